"""The back door: processes that carry out jobs."""
