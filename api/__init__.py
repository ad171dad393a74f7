"""The front door: HTTP in, one hop to a bounded pool, HTTP out."""
