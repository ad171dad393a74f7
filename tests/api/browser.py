"""A client in front of an app that runs as it does in a process: one loop, one lifespan."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import AsyncExitStack
from threading import Thread
from typing import Any, TypeVar

from falcon.testing import ASGIConductor, Result

from api.app import WebApp

T = TypeVar("T")

DEADLINE_SECONDS = 60


class Browser:
    """Sends requests to an app on a loop of its own; `close` shuts the app down properly."""

    def __init__(self, app: WebApp) -> None:
        self.app = app
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._stack = AsyncExitStack()
        self._conductor = ASGIConductor(app)
        self.await_(self._stack.enter_async_context(self._conductor))

    def send(self, method: str, path: str, **options: Any) -> Future[Result]:
        return asyncio.run_coroutine_threadsafe(
            self._conductor.simulate_request(method, path, **options), self._loop
        )

    def request(self, method: str, path: str, **options: Any) -> Result:
        return self.send(method, path, **options).result(DEADLINE_SECONDS)

    def get(self, path: str, **options: Any) -> Result:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> Result:
        return self.request("POST", path, **options)

    def on_loop(self, work: Any) -> None:
        """Run a plain function where the app runs."""

        async def run() -> None:
            work()

        self.await_(run())

    def await_(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(DEADLINE_SECONDS)

    def close(self) -> None:
        self.await_(self._stack.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE_SECONDS)
        self._loop.close()
