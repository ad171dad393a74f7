"""Metrics: everything that is counted, for Prometheus (I-01, I-02).

Answered to loopback, or for `ILM_METRICS_TOKEN`. What the fleet shares is asked on threads of its
own and for a short while only: a page without it is better than none when something is away.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from falcon.asgi import Request, Response

from api.callers import caller_of
from api.live.health import Health
from models.kernel.errors import Unauthorized
from models.kernel.exposition import CONTENT_TYPE, Sample, exposition
from models.kernel.ledgers import Ledgers
from models.kernel.measures import DEPENDENCY_SECONDS, DEPENDENCY_UP
from models.kernel.metrics_port import may_read
from models.kernel.observing import WEB
from models.kernel.settings import Settings

PATIENCE_SECONDS: Final = 2.0
MILLISECONDS: Final = 1_000


class Metrics:
    """Answers `/metrics`."""

    def __init__(
        self,
        settings: Settings,
        ledgers: Ledgers,
        health: Health,
        find: Callable[[], Iterable[Sample]],
        *,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        """Take who may read, what was counted, how dependencies are, and what finds out more.

        `patience` is how many seconds that has.
        """
        self._patience = patience
        self._token = settings.metrics_token
        self._proxies = settings.proxies
        self._tells_all = settings.metrics_port == 0
        self._ledgers = ledgers
        self._health = health
        self._find = find
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="metrics")
        self._finding: asyncio.Future[Iterable[Sample]] | None = None

    async def on_get(self, req: Request, resp: Response) -> None:
        """Answer the page; of workers too, unless they have a port of their own."""
        self._refuse_stranger(req)
        found = [*await self._dependencies(), *await self._found()]
        loop = asyncio.get_running_loop()
        resp.text = await loop.run_in_executor(self._threads, self._page, found)
        resp.content_type = CONTENT_TYPE

    def close(self) -> None:
        """Let the threads go, and those of health."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._health.close()

    def _refuse_stranger(self, req: Request) -> None:
        """Raise `Unauthorized` for who is neither on this machine nor has the token.

        What a proxy passes on is not of this machine, even if the proxy is and nobody named it.
        """
        forwarded = req.get_header("X-Forwarded-For") or req.get_header("Forwarded")
        is_local = not forwarded and caller_of(req, self._proxies).is_local
        given = req.get_header("Authorization") or ""
        if not may_read(self._token, given, is_local=is_local):
            raise Unauthorized("ILM_METRICS_TOKEN is wanted as Bearer")

    def _page(self, found: Sequence[Sample]) -> str:
        wanted = bool if self._tells_all else WEB.__eq__
        return exposition(self._ledgers.read(wanted), found)

    async def _dependencies(self) -> Iterable[Sample]:
        findings = await self._health.findings()
        up = [(DEPENDENCY_UP, (name,), float(each.is_up)) for name, each in findings.items()]
        took = [
            (DEPENDENCY_SECONDS, (name,), each.took_ms / MILLISECONDS)
            for name, each in findings.items()
        ]
        return [*up, *took]

    async def _found(self) -> Iterable[Sample]:
        """Return what was found out in time; what still hangs from before is not begun again."""
        if self._finding is None or self._finding.done():
            loop = asyncio.get_running_loop()
            self._finding = loop.run_in_executor(self._threads, self._find)
        done, _ = await asyncio.wait([self._finding], timeout=self._patience)
        return self._finding.result() if done else ()
