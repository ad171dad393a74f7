"""Waiting between tries: exponential, with full jitter (AWS Architecture Blog, 2015)."""

from random import Random

from models.catalogue.queues import QueuePolicy


def wait_before_retry(
    policy: QueuePolicy, failures: int, dice: Random, retry_after: float | None = None
) -> float:
    """Return seconds to wait after the given number of failures, the last one included.

    Uniform between 0 and `backoff` × 2^(failures − 1), at most `backoff_cap`. What a provider
    asked for with Retry-After is obeyed: it is the least wait, jitter comes on top.
    """
    ceiling = min(policy.backoff_cap, policy.backoff * 2 ** max(failures - 1, 0))
    return (retry_after or 0.0) + dice.uniform(0, ceiling)
