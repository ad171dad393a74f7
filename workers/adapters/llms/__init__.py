"""Providers: the vendors that run language models, each behind the port of `jobs/llms/provider`."""
