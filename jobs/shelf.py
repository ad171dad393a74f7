"""The shelf: answers that are kept until what they were made of has changed (G-22).

A kept answer is found under what was asked, by whom, and the generations of what it was made of,
which PostgreSQL counts with every change: it is never older than the last commit, whoever wrote and
wherever it is read. Without Redis every answer is made anew.

There are so many places, and what is asked always has the same one: what comes later takes it. So
the shelf is never larger than it was set to be, and nothing has to be cleared away.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final
from uuid import UUID

import redis

from models.generations import generations_of
from models.kernel.logs import get_logger
from models.kernel.measures import KEPT_ANSWERS
from models.kernel.release import VERSION

LARGEST: Final = 64 * 1_024
"""Bytes of the largest answer that is kept, and what a place is reckoned at."""
PER_MEBIBYTE: Final = 2**20 // LARGEST
USUAL_SECONDS: Final = 3_600

_MARK_BYTES: Final = 24

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody asked. `viewer` is all that what they may see depends on.

    The answer is made of the things in `scope` of these `subjects`, and of nothing else.
    """

    question: str
    viewer: str
    scope: str
    subjects: Sequence[UUID]
    seconds: int = USUAL_SECONDS

    @property
    def name(self) -> bytes:
        """What it is called, whatever the generation."""
        return f"{VERSION}\n{self.question}\n{self.viewer}".encode()


class Shelf:
    """Where answers are kept."""

    def __init__(self, cache: redis.Redis, mebibytes: int) -> None:
        """Take where, and how large it may grow; 0 keeps nothing."""
        self._cache = cache
        self._places = mebibytes * PER_MEBIBYTE

    def answer(self, asked: Asked, make: Callable[[], str]) -> str:
        """Return the answer that is kept, or make it and keep it."""
        if not self._places:
            return make()
        mark = self._mark(asked)
        place = self._place(asked)
        try:
            kept: bytes | None = self._cache.get(place)  # type: ignore[assignment]  # not the async client
        except redis.RedisError:
            KEPT_ANSWERS.add("away")
            return make()
        if kept is not None and kept.startswith(mark):
            KEPT_ANSWERS.add("hit")
            return kept[_MARK_BYTES:].decode()
        KEPT_ANSWERS.add("miss")
        made = make()
        self._keep(place, mark + made.encode(), asked.seconds)
        return made

    def _keep(self, place: str, value: bytes, seconds: int) -> None:
        if len(value) > LARGEST:
            return
        try:
            self._cache.set(place, value, ex=seconds)
        except redis.RedisError as error:
            log.debug("shelf.away", error=type(error).__name__)

    def _mark(self, asked: Asked) -> bytes:
        """Name the answer with its generations, read before it is made: never newer than it is."""
        numbers = generations_of(asked.scope, asked.subjects)
        return _digest(asked.name + repr(numbers).encode(), _MARK_BYTES)

    def _place(self, asked: Asked) -> str:
        return f"shelf:{int.from_bytes(_digest(asked.name, 8)) % self._places}"


def _digest(text: bytes, size: int) -> bytes:
    return blake2b(text, digest_size=size).digest()
