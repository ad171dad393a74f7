"""Calls in progress: whoever asked is told as it comes or at the end; who hangs up may cancel.

A stream ends in its wire's own way whatever happens: with the answer, or with an error; never as
if it were whole when it is not. A cancel on disconnect waits a moment for the client, or for the
retry its SDK sends, to come back on any instance; a killed web process cancels nothing. Who
listens is asked of Redis when it matters, and costs nothing before.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import Final

from falcon.asgi import Request, Response

from api.endpoints import EVENT_STREAM
from api.hop import Hop
from api.live.departures import Departure
from api.live.hub import Hub, Watcher
from api.live.streams import LOOKUP_SECONDS, Frame, Numbered, Reader
from jobs.queue import Queue, as_told
from jobs.sayings import is_content
from jobs.wires import wire
from models.jobs import JobRow
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.errors import Unavailable, UpstreamTimeout
from models.kernel.ids import wire_id
from models.kernel.logs import get_logger

RETURN_SECONDS: Final = 2.0
LOOK_SECONDS: Final = 1.0

log = get_logger(__name__)


class WireTeller:
    """Tells a job's events in a wire's frames, after a cursor."""

    def __init__(self, voice: wire.Voice, heartbeat: str, after: int | None) -> None:
        """Take what finds the words, and the number of the last frame the client has."""
        self._voice = voice
        self._after = -1 if after is None else after
        self._is_fresh = after is None
        self.heartbeat = Frame(heartbeat)

    @property
    def has_ended(self) -> bool:
        """Whether the last frame was given."""
        return self._voice.has_ended

    def choose(self, events: list[Numbered]) -> list[Numbered]:
        """Return the events; to who has heard nothing, those of the answer that counts alone."""
        if not self._is_fresh:
            return events
        self._is_fresh = False
        return events[_beginning(events) :]

    def tell(self, event: Numbered) -> Iterable[Frame]:
        """Return the frames of an event that the client lacks."""
        self._is_fresh = self._is_fresh and event[0] == 0
        return self._above(self._voice.hear(json.loads(event[1])))

    def leave(self, status: str, last: int) -> Iterable[Frame]:
        """End with an error that says to come back: these wires know no other way."""
        del status, last
        return self._above(self._voice.fail(Unavailable("the server is going away; try again")))

    def _above(self, frames: Iterable[wire.Frame]) -> list[Frame]:
        return [Frame(frame.text) for frame in frames if frame.number > self._after]


def _beginning(events: list[Numbered]) -> int:
    """Return where the answer that counts begins: at the last restart that took words back."""
    has_content, begins = False, 0
    for index, (_, data) in enumerate(events):
        if '"type":"restart"' in data[:60] and has_content:
            begins, has_content = index, False
        has_content = has_content or is_content(data)
    return begins


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Who listens to a call: by which request, and whether going away ends it."""

    req: Request
    cancels: bool


class Calls:
    """The calls that this process answers."""

    def __init__(self, hub: Hub, hop: Hop, queue: Queue, clock: Clock) -> None:
        """Take what hears of jobs, the way to the rows, what cancels, and the time."""
        self._hub = hub
        self._hop = hop
        self._queue = queue
        self._clock = clock
        self._cancels: set[asyncio.Task[None]] = set()

    def stream(self, resp: Response, job: JobRow, teller: WireTeller, listener: Listener) -> None:
        """Answer with a stream of a job's events."""
        resp.content_type = EVENT_STREAM
        resp.set_header("X-Accel-Buffering", "no")
        resp.set_header("X-Ilm-Job-Id", wire_id("job", job.id))
        resp.stream = self._bytes(job, teller, listener)

    async def ended(self, job: JobRow, listener: Listener, seconds: float) -> JobRow:
        """Return a job once it is over, as its `end` tells it or, where that was missed, its row.

        Raises `UpstreamTimeout` when time is up, `Unavailable` when the process drains: the job
        goes on. Of a client that has gone, whatever the row says.
        """
        departure = Departure(listener.req)
        until = self._clock.elapsed() + seconds
        try:
            async with self._hub.watch(job.id) as watcher:
                departure.wake(watcher)
                if not job.is_over:
                    job = _as_ended(job, await self._hub.latest(job.id))
                while not job.is_over and not watcher.is_closing:
                    if self._clock.elapsed() > until:
                        raise UpstreamTimeout("the answer takes longer than this request may")
                    await watcher.wait(LOOK_SECONDS)
                    job = await self._heard(job, watcher)
        finally:
            self._left(job, departure, listener)
        if not job.is_over and not departure.has_happened:
            raise Unavailable("the server is going away; the answer will be there", retry_after=2)
        return job

    async def _bytes(
        self, job: JobRow, teller: WireTeller, listener: Listener
    ) -> AsyncIterator[bytes]:
        departure = Departure(listener.req)
        try:
            async with self._hub.watch(job.id) as watcher:
                departure.wake(watcher)
                reader = Reader(self._hub, self._hop, watcher, teller)
                async for frame in reader.frames(job, loading(job)):
                    if departure.has_happened:
                        return
                    yield frame.serialize(None)
        finally:
            self._left(job, departure, listener)

    async def _heard(self, job: JobRow, watcher: Watcher) -> JobRow:
        """Return a job as it is after what has arrived."""
        if watcher.is_over or watcher.is_behind:
            watcher.is_behind = False
            return await self._hop.run(loading(job), seconds=LOOKUP_SECONDS)
        events = tuple(watcher.events)
        watcher.events.clear()
        return _as_ended(job, events)

    def _left(self, job: JobRow, departure: Departure, listener: Listener) -> None:
        """Note that a client has stopped listening, and cancel if it went and that is its wish."""
        has_gone = departure.has_happened
        departure.close()
        if has_gone and listener.cancels:
            task = asyncio.get_running_loop().create_task(self._cancel_unless_back(job))
            self._cancels.add(task)
            task.add_done_callback(self._cancels.discard)

    async def _cancel_unless_back(self, job: JobRow) -> None:
        await asyncio.sleep(RETURN_SECONDS)
        if await self._hub.is_heard(job.id):
            return

        def cancel() -> None:
            with database.borrowed():
                self._queue.cancel(JobRow.get_by_id(job.id))
            log.info("call.left", job_id=str(job.id))

        await self._hop.run(cancel, seconds=LOOKUP_SECONDS)


def loading(job: JobRow) -> Callable[[], JobRow]:
    """Return what reads a job's row again."""

    def load() -> JobRow:
        with database.borrowed():
            row: JobRow = JobRow.get_by_id(job.id)
            return row

    return load


def _as_ended(job: JobRow, events: Iterable[Numbered]) -> JobRow:
    """Return a job as its `end` tells it, if that is among some events; else as it is."""
    ends = (data for _, data in events if '"type":"end"' in data[:60])
    end = next(ends, None)
    return job if end is None else as_told(job, json.loads(end)["job"])
