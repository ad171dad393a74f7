"""Departures: a client that hangs up is noticed at once, though nothing is being written to it."""

import asyncio
from typing import Any, Final

from falcon.asgi import Request

from api.live.hub import Watcher

RECEIVE: Final = "ilm.receive"
"""Where in a request's scope the server's `receive` is, which tells of a hang-up."""


class Departure:
    """Waits, beside whatever answers a request, for its client to go. Its body is read already."""

    def __init__(self, req: Request) -> None:
        """Begin to listen."""
        self._task = asyncio.create_task(_gone(req.scope[RECEIVE]))

    @property
    def has_happened(self) -> bool:
        """Whether the client has hung up."""
        return self._task.done() and not self._task.cancelled()

    def wake(self, watcher: Watcher) -> None:
        """Let a watcher stop waiting as soon as the client goes."""

        def close(_: Any) -> None:
            watcher.is_closing = True
            watcher.ring()

        self._task.add_done_callback(close)

    def close(self) -> None:
        """Listen no longer."""
        self._task.cancel()


async def _gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
