"""One streamed answer of the fake vendor, at its pace, with its faults."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from random import Random

from tests.fakes.vendor import chat, http, messages
from tests.fakes.vendor.answers import Frame
from tests.fakes.vendor.faults import error_body
from tests.fakes.vendor.meter import Seen
from tests.fakes.vendor.scripts import Fault, Script, Strike

FOREVER = 3600.0
LENGTHS = {Fault.LONG_LENGTH, Fault.SHORT_LENGTH}


class Stream:
    """Sends frames to one client, and notices when it goes away."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        script: Script,
        strike: Strike | None,
        seen: Seen,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._script = script
        self._strike = strike
        self._seen = seen

    async def hang(self) -> None:
        """Answer nothing, until the client has enough."""
        async with self._attended():
            await asyncio.sleep(FOREVER)

    async def wholly(self, answer: bytes, tokens: int) -> bool:
        """Send an unstreamed answer after all its deltas' time."""
        async with self._attended():
            await asyncio.sleep(self._script.delay + self._script.pace * self._script.deltas)
            self._writer.write(answer)
            self._seen.output, self._seen.finished = tokens, True
            return True
        return False

    async def replay(self, body: bytes) -> bool:
        """Send a recorded body."""
        head = http.head(
            self._script.status, self._script.content_type, **{"Transfer-Encoding": "chunked"}
        )
        async with self._attended():
            self._writer.write(head)
            for part in self._cut(body):
                self._writer.write(http.chunk(part))
                await asyncio.sleep(self._script.pace)
            self._writer.write(http.chunk(b""))
            self._seen.finished = True
            return True
        return False

    async def send(self, frames: list[Frame], *, is_anthropic: bool) -> bool:
        """Stream an answer; say whether the connection can take another request."""
        async with self._attended():
            await asyncio.sleep(self._script.delay)
            if self._strike is not None and self._strike.fault in LENGTHS:
                self._send_with_wrong_length(frames)
                return self._strike.fault is Fault.SHORT_LENGTH
            self._writer.write(http.head(200, "text/event-stream", **CHUNKED))
            return await self._frames(frames, is_anthropic=is_anthropic)
        return False

    async def _frames(self, frames: list[Frame], *, is_anthropic: bool) -> bool:
        for frame in frames:
            if self._is_time(frame) and await self._struck(frame, is_anthropic=is_anthropic):
                return False
            if frame.is_content:
                if self._script.pace:
                    await asyncio.sleep(self._script.pace)
                self._seen.deltas += 1
                self._seen.output += frame.tokens
            await self._write(frame.data)
        self._writer.write(http.chunk(b""))
        self._seen.finished = True
        return True

    def _is_time(self, frame: Frame) -> bool:
        """Say whether the fault strikes before this frame."""
        if self._strike is None:
            return False
        if self._strike.fault in {Fault.ERROR_FIRST, Fault.KEEP_ALIVES, Fault.SLOW_BYTES}:
            return True
        if self._strike.fault is Fault.NO_END:
            return self._seen.deltas > 0 and not frame.is_content and _is_terminal(frame)
        return self._seen.deltas >= self._strike.after

    async def _struck(self, frame: Frame, *, is_anthropic: bool) -> bool:
        """Do what the fault does; say whether that was the end."""
        match self._strike.fault if self._strike else None:
            case Fault.HANG_MIDWAY:
                await asyncio.sleep(FOREVER)
            case Fault.RESET_MIDWAY:
                await self._writer.drain()
                http.reset(self._writer)
            case Fault.HALF_LINE:
                await self._write(frame.data[: len(frame.data) // 2])
                self._writer.write(http.chunk(b""))
            case Fault.BAD_JSON:
                await self._write(frame.data.replace(b"}", b"]", 1))
                self._writer.write(http.chunk(b""))
            case Fault.NO_END:
                self._writer.write(http.chunk(b""))
            case Fault.ERROR_FIRST | Fault.ERROR_MIDWAY:
                await self._write(_error_frame(is_anthropic=is_anthropic))
                self._writer.write(http.chunk(b""))
            case Fault.KEEP_ALIVES:
                await self._forever(
                    b': keep-alive\n\nevent: ping\ndata: {"type":"ping"}\n\n'
                    if is_anthropic
                    else b": keep-alive\n\n"
                )
            case Fault.SLOW_BYTES:
                for byte in frame.data:
                    await self._write(bytes([byte]))
                    await asyncio.sleep(self._strike.seconds if self._strike else 1.0)
                return False
            case _:
                return False
        return True

    async def _forever(self, data: bytes) -> None:
        while True:
            await self._write(data)
            await asyncio.sleep(self._strike.seconds if self._strike else 1.0)

    def _send_with_wrong_length(self, frames: list[Frame]) -> None:
        body = b"".join(frame.data for frame in frames)
        is_long = self._strike is not None and self._strike.fault is Fault.LONG_LENGTH
        told = len(body) + 1_000 if is_long else len(body) // 2
        self._seen.output = sum(frame.tokens for frame in frames)
        self._seen.finished = True
        self._writer.write(http.head(200, "text/event-stream", **{"Content-Length": str(told)}))
        self._writer.write(body)

    async def _write(self, data: bytes) -> None:
        for part in self._cut(data):
            self._writer.write(http.chunk(part))
            if self._script.seed is not None:
                await asyncio.sleep(0)
        await self._writer.drain()

    def _cut(self, data: bytes) -> Iterator[bytes]:
        """Cut bytes at random, by the script's seed; leave them whole without one."""
        if self._script.seed is None:
            yield data
            return
        dice, at = Random(self._script.seed + len(data)), 0
        while at < len(data):
            size = dice.randint(1, 7) if dice.random() < 0.5 else dice.randint(1, 200)
            yield data[at : at + size]
            at += size

    @asynccontextmanager
    async def _attended(self) -> AsyncIterator[None]:
        """End what is done inside as soon as the client goes away, and note when that was."""
        task = asyncio.current_task()
        watch = asyncio.ensure_future(self._reader.read(1))

        def gone(done: asyncio.Future[bytes]) -> None:
            if not done.cancelled() and (done.exception() is not None or not done.result()):
                self._seen.close()
                if task is not None:
                    task.cancel()

        watch.add_done_callback(gone)
        try:
            yield
        except asyncio.CancelledError:
            if self._seen.closed_after is None or task is None:
                raise
            task.uncancel()
        except ConnectionError:
            self._seen.close()
        finally:
            watch.remove_done_callback(gone)
            watch.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await watch


CHUNKED = {"Transfer-Encoding": "chunked"}


def _is_terminal(frame: Frame) -> bool:
    marks = (b'"finish_reason":"', b"[DONE]", b"message_delta", b"message_stop", b'"choices":[]')
    return any(mark in frame.data for mark in marks)


def _error_frame(*, is_anthropic: bool) -> bytes:
    if is_anthropic:
        body = error_body(529, "", "Overloaded", is_anthropic=True)
        return messages.error_frame(body).data
    return chat.error_frame(error_body(500, "server_error", "It broke.", is_anthropic=False)).data
