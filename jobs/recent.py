"""Recent calls: a retry that an SDK sends by itself joins the call it repeats (CONTRACT §5).

Kept in Redis, for a minute; without it none joins.
"""

from hashlib import sha256
from typing import Final
from uuid import UUID

import redis

REPEATED_SECONDS: Final = 60


class RecentCalls:
    """Remembers what was asked a moment ago."""

    def __init__(self, cache: redis.Redis) -> None:
        """Take the process's Redis."""
        self._cache = cache

    def remember(self, credential: str, fingerprint: bytes, job_id: UUID) -> None:
        """Keep which job a request became."""
        try:
            self._cache.set(_asked(credential, fingerprint), job_id.hex, ex=REPEATED_SECONDS)
        except redis.RedisError:
            return

    def recall(self, credential: str, fingerprint: bytes) -> UUID | None:
        """Return the job that the same request became within the last minute."""
        try:
            kept = self._cache.get(_asked(credential, fingerprint))
        except redis.RedisError:
            return None
        return UUID(kept.decode()) if isinstance(kept, bytes) else None


def _asked(credential: str, fingerprint: bytes) -> str:
    return f"asked:{sha256(credential.encode() + fingerprint).hexdigest()}"
