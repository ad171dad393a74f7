"""What waits: uploads, streams and probes, written as coroutines."""
