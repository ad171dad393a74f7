"""Batches: many calls as one job, each line of it asked until it is answered, and billed once."""
