"""Doors: how who opens a WebSocket is admitted and limited, as who sends a request is.

A socket may be opened before anybody says who they are, and stays open afterwards; so the stages of
`api/answering.py` are taken here one at a time, each in one hop.
"""

from collections.abc import Callable
from typing import Final, TypeVar

from falcon.asgi import Request

from api.hop import Hop
from api.limits import Gate
from api.principals import Doorkeeper, Principal
from api.shown import Shown
from models.kernel.database import database
from models.kernel.errors import Refused

T = TypeVar("T")

SECONDS: Final = 10.0


class Door:
    """Admits and limits those who come to one endpoint by a WebSocket."""

    def __init__(
        self, hop: Hop, doorkeeper: Doorkeeper, gate: Gate | None, permission: str
    ) -> None:
        """Take the way to the pool, who admits, what limits if anything, and what is wanted."""
        self._hop = hop
        self._doorkeeper = doorkeeper
        self._gate = gate
        self._permission = permission

    async def knock(self, req: Request) -> None:
        """Count a socket of somebody we do not know yet; raise `RateLimitExceeded`."""
        await self._limited(req, lambda: self._enter(req, None))

    async def admit(self, req: Request, shown: Shown) -> Principal:
        """Return who they are, and count them.

        Raises what `Doorkeeper.admit` does, and `RateLimitExceeded`; who is not admitted counts as
        somebody without a credential.
        """

        def work() -> Principal:
            try:
                principal = self._doorkeeper.admit(req, self._permission, shown)
            except Refused:
                self._enter(req, None)
                raise
            req.context.principal = principal
            self._enter(req, principal)
            return principal

        req.context.has_entered = False
        return await self._limited(req, work)

    async def look(
        self, req: Request, shown: Shown, permission: str, work: Callable[[Principal], T]
    ) -> T:
        """Return what work makes of who they are now, if they may do that; it is not counted."""

        def looked() -> T:
            with database.borrowed():
                return work(self._doorkeeper.admit(req, permission, shown))

        return await self._hop.run(looked, seconds=SECONDS)

    async def _limited(self, req: Request, work: Callable[[], T]) -> T:
        def borrowing() -> T:
            with database.borrowed():
                if self._gate is not None:
                    self._gate.arrive(req)
                return work()

        if self._gate is None:
            return await self._hop.run(borrowing, seconds=SECONDS)
        return await self._gate.through(req, lambda: self._hop.run(borrowing, seconds=SECONDS))

    def _enter(self, req: Request, principal: Principal | None) -> None:
        if self._gate is not None:
            self._gate.enter(req, principal)
