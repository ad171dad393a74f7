"""Issuers outside this house whose tokens are taken, and the people they speak of."""
