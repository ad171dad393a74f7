"""The fake vendor as tests have it: a server on a thread, steered and read from Python."""

import asyncio
import threading
from concurrent.futures import Future
from typing import Any, Self

from tests.fakes.vendor.meter import Meter
from tests.fakes.vendor.scripts import Script
from tests.fakes.vendor.server import Server

HOST = "127.0.0.1"
BACKLOG = 1024


class FakeVendor:
    """A vendor on a port of this machine. Use it as a context."""

    def __init__(self, port: int = 0) -> None:
        self._port = port
        self._server = Server()
        self._listening: Future[int] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending: asyncio.Event | None = None

    @property
    def address(self) -> str:
        """Where it is, as Anthropic's SDK wants it."""
        return f"http://{HOST}:{self._port}"

    @property
    def openai_address(self) -> str:
        """Where it is, as OpenAI's SDK wants it."""
        return f"{self.address}/v1"

    def script(self, model: str, script: Script | None = None, **how: Any) -> None:
        """Script a model; an empty name scripts all the others."""
        self._server.put(model, script or Script(**how))

    def meter(self, model: str) -> Meter:
        """Return what it saw of a model."""
        return self._server.meters[model]

    def reset(self) -> None:
        """Forget every script and every call."""
        self._server.reset()

    def __enter__(self) -> Self:
        self._thread.start()
        self._port = self._listening.result(timeout=60)
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop is not None and self._ending is not None:
            self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(timeout=60)

    async def _serve(self) -> None:
        self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        await serve(self._server, self._port, self._listening, self._ending)


async def serve(server: Server, port: int, listening: Future[int], ending: asyncio.Event) -> None:
    """Serve until the end; tell the port once it is open."""
    running: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            running.add(task)
            task.add_done_callback(running.discard)
        await server.connected(reader, writer)

    try:
        listener = await asyncio.start_server(connected, HOST, port, backlog=BACKLOG)
    except OSError as error:
        listening.set_exception(error)
        return
    listening.set_result(listener.sockets[0].getsockname()[1])
    async with listener:
        await ending.wait()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
