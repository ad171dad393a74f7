"""Ilm as an OAuth 2.0 and OpenID Connect provider: apps, consent, tokens (A-14, A-15)."""
