"""Limits on requests (L-01 to L-12): which windows a request counts in, and whether it may pass."""
