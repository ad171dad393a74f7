"""Embedders that run here: no vendor, no network, no cost."""
