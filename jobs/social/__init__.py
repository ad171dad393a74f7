"""Signing in at a provider: Google, GitHub, or any OpenID Connect issuer (A-16, A-28)."""
