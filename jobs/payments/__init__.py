"""Payments: a port to whoever takes money for us, and those who do (B-09, X-21)."""
