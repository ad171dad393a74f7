"""Draining: how a web process ends without dropping anybody (G-08).

`begin` refuses new requests and lets live streams end resumably; `end` waits for those in flight,
then gives up the pool and the connections.
"""

from collections.abc import Callable, Sequence
from typing import Final

from api.hop import Hop
from models.kernel.errors import Unavailable
from models.kernel.logs import get_logger

SECONDS: Final = 25.0

log = get_logger(__name__)


class Drain:
    """Whether this process is going down, and the steps of it."""

    def __init__(
        self,
        hop: Hop,
        *,
        streams: Callable[[], None],
        closings: Sequence[Callable[[], object]] = (),
    ) -> None:
        """Take the pool, what tells live streams to end, and what to close last."""
        self._hop = hop
        self._streams = streams
        self._closings = tuple(closings)
        self.is_closing = False

    def refuse_if_closing(self) -> None:
        """Raise `Unavailable` once it has begun."""
        if self.is_closing:
            raise Unavailable("this process is shutting down", retry_after=1)

    def begin(self) -> None:
        """Refuse what comes from now on; safe to call again."""
        if not self.is_closing:
            self.is_closing = True
            log.info("web.draining")
            self._streams()

    async def process_startup(self, _scope: object, _event: object) -> None:
        """Say that this process serves."""
        log.info("web.serving")

    async def process_shutdown(self, _scope: object, _event: object) -> None:
        """Finish what is in flight, 25 s at most, then close what is open."""
        self.begin()
        await self._hop.close(SECONDS)
        for close in self._closings:
            close()
        log.info("web.stopped")
