"""Sockets: the connections of this process, and the watch over whose they are (G-26, A-06).

A credential is looked up when a connection opens and at each subject that is asked for; between,
all of them are looked up together every few seconds, so that what ends elsewhere ends here too.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Final
from uuid import UUID

from api.hop import Hop
from api.live.bounds import Bounds
from api.live.connections import Connection
from api.problems import DATABASE_AWAY
from models.kernel.clock import Clock
from models.kernel.errors import TokenExpired, Unauthorized, Unavailable
from models.kernel.logs import get_logger
from models.kernel.measures import LIVE_CONNECTIONS
from models.standings import Held, holding

LOOKUP_SECONDS: Final = 10.0
AWAY: Final[tuple[type[Exception], ...]] = (Unavailable, *DATABASE_AWAY)

log = get_logger(__name__)


class Sockets:
    """The connections of this process."""

    def __init__(
        self, hop: Hop, clock: Clock, idle: timedelta, bounds: Bounds | None = None
    ) -> None:
        """Take the way to the rows, the time, how long a login idles, and how much there may be."""
        self._hop = hop
        self._clock = clock
        self._idle = idle
        self.bounds = bounds or Bounds()
        self._connections: set[Connection] = set()
        self._watch: asyncio.Task[None] | None = None
        self.is_closing = False

    @contextmanager
    def holding(self, connection: Connection) -> Iterator[None]:
        """Count a connection among the others while it lasts."""
        if self._watch is None:
            self._watch = asyncio.create_task(self._watch_forever())
        self._connections.add(connection)
        LIVE_CONNECTIONS.add(1)
        try:
            yield
        finally:
            self._connections.discard(connection)
            LIVE_CONNECTIONS.add(-1)

    @property
    def is_full(self) -> bool:
        """Whether there are more than this process takes."""
        return len(self._connections) > self.bounds.per_process

    def is_full_of(self, person_id: UUID) -> bool:
        """Say whether somebody has as many as one may have here."""
        held = (connection.held for connection in self._connections)
        theirs = sum(each is not None and each.person_id == person_id for each in held)
        return theirs >= self.bounds.per_person

    def close(self) -> None:
        """Let all end, so that their clients come back elsewhere and resume."""
        self.is_closing = True
        if self._watch is not None:
            self._watch.cancel()
        for connection in self._connections:
            connection.leave()

    async def _watch_forever(self) -> None:
        while True:
            await asyncio.sleep(self.bounds.look)
            known = [each for each in self._connections if each.held is not None]
            self._end_expired(known)
            await self._end_revoked(known)

    def _end_expired(self, known: Sequence[Connection]) -> None:
        now = self._clock.now()
        for connection in known:
            if connection.ends_at is not None and connection.ends_at <= now:
                connection.expel(TokenExpired())

    async def _end_revoked(self, known: Sequence[Connection]) -> None:
        """End those whose credential holds no longer; while nobody can tell, all go on."""
        asked = {each: each.held for each in known if each.held is not None}
        if not asked:
            return
        try:
            good = await self._good(list(set(asked.values())))
        except AWAY as error:
            log.warning("live.not_looked_up", error=type(error).__name__)
            return
        for connection, held in asked.items():
            if held not in good and connection.held == held:
                connection.expel(Unauthorized("this credential has ended"))

    async def _good(self, held: list[Held]) -> set[Held]:
        now = self._clock.now()
        return await self._hop.run(lambda: holding(held, self._idle, now), seconds=LOOKUP_SECONDS)
