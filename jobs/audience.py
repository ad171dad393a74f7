"""The audience: who waits for an answer, over all web processes, for what has to know it.

A call that nobody waits for any more may be cancelled, and a retry that an SDK sends by itself
joins the call it repeats (CONTRACT §5). Kept in Redis; without it nobody is cancelled, none joins.
"""

from hashlib import sha256
from typing import Final
from uuid import UUID

import redis

JOINED_SECONDS: Final = 3_600
REPEATED_SECONDS: Final = 60


class Audience:
    """Counts who came to listen to a job, and remembers what was asked a moment ago."""

    def __init__(self, cache: redis.Redis) -> None:
        """Take the process's Redis."""
        self._cache = cache

    def join(self, job_id: UUID) -> int:
        """Come to listen; return as the how-manieth, 0 when nobody can tell."""
        key = _audience(job_id)
        try:
            pipe = self._cache.pipeline(transaction=False)
            pipe.incr(key)
            pipe.expire(key, JOINED_SECONDS)
            return int(pipe.execute()[0])
        except redis.RedisError:
            return 0

    def is_last(self, job_id: UUID, place: int) -> bool:
        """Say whether nobody came later; no, too, when nobody can tell."""
        if place == 0:
            return False
        try:
            return int(self._cache.get(_audience(job_id)) or 0) == place
        except redis.RedisError:
            return False

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


def _audience(job_id: UUID) -> str:
    return f"audience:{job_id.hex}"


def _asked(credential: str, fingerprint: bytes) -> str:
    return f"asked:{sha256(credential.encode() + fingerprint).hexdigest()}"
