"""Numbered steps of the schema; each one leaves the release that is running able to go on."""
