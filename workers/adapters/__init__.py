"""Adapters: each lets one library or vendor in through a port, and none of its quirks."""
