"""Webhooks: endpoints that are told of events, and the deliveries to them (H-01 – H-12)."""
