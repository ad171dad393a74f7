"""The events of a job as Server-Sent Events, resumable on any instance (CONTRACT §4).

Subscribe first, then read what the stream has after the client's number, then what arrives;
numbers tell what is double and what is missing. Whatever the stream has lost, the row gives.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Iterable
from typing import Any, Final, Protocol, cast
from uuid import UUID

from falcon.asgi import Request, Response

from api.hop import Hop
from api.live.hub import Hub, Watcher
from jobs.queue import job_body
from jobs.streams import END, FINAL_SNAPSHOT, PER_ATTEMPT, encoded, end_seq
from models.jobs import TERMINAL, JobRow
from models.kernel.database import database
from models.kernel.errors import Detail, Invalid, Unavailable

HEARTBEAT_SECONDS: Final = 15.0
RETRY_MS: Final = 1_000
LOOKUP_SECONDS: Final = 10.0
LARGEST: Final = 10**15
KINDS: Final = frozenset({"status", "progress", "delta", "restart", "snapshot", "end"})
"""What the events of a job are (CONTRACT §4)."""

Numbered = tuple[int, str]


class Frame:
    """One frame of an event stream, written once."""

    __slots__ = ("_bytes",)

    def __init__(self, text: str) -> None:
        """Take the lines, without the blank one that ends them."""
        self._bytes = f"{text}\n\n".encode()

    def serialize(self, _handler: object) -> bytes:
        """Return the bytes, as Falcon asks for them."""
        return self._bytes

    @property
    def fields(self) -> dict[str, str]:
        """The frame's lines by their names, for who carries them in another way."""
        lines = (line.partition(": ") for line in self._bytes.decode().split("\n"))
        return {name: value for name, _, value in lines if name}


HEARTBEAT: Final = Frame(": heartbeat")


class Teller(Protocol):
    """Tells the events of a job to one client, in the frames that client understands."""

    @property
    def has_ended(self) -> bool:
        """Whether the last frame was given."""
        ...

    @property
    def heartbeat(self) -> Frame:
        """What is sent when there is nothing to tell."""
        ...

    def choose(self, events: list[Numbered]) -> list[Numbered]:
        """Return which of the events that were replayed matter to this client."""
        ...

    def tell(self, event: Numbered) -> Iterable[Frame]:
        """Return the frames of an event."""
        ...

    def leave(self, status: str, last: int) -> Iterable[Frame]:
        """Return the frames that end the stream so that it can be resumed."""
        ...


class JobTeller:
    """Tells a job's events as they are numbered (CONTRACT §4)."""

    heartbeat = HEARTBEAT

    def __init__(self) -> None:
        """Begin with nothing told."""
        self.has_ended = False

    def choose(self, events: list[Numbered]) -> list[Numbered]:
        """Return them all."""
        return events

    def tell(self, event: Numbered) -> Iterable[Frame]:
        """Return the event with its number; what only the wires need is left out."""
        seq, data = event
        kind = data[data.index(',"type":"') + 9 :].partition('"')[0]
        self.has_ended = kind == "end"
        return (Frame(f"id: {seq}\ndata: {data}"),) if kind in KINDS else ()

    def leave(self, status: str, last: int) -> Iterable[Frame]:
        """End resumably: the same number again, and a status that is not final."""
        data = encoded(max(last, 0), "end", status=status, resumable=True)
        return (Frame(f"event: end\nretry: {RETRY_MS}\ndata: {data}"),)


class JobEvents:
    """`GET /v1/jobs/{job_id}/events`."""

    def __init__(self, hub: Hub, hop: Hop) -> None:
        """Take what hears of jobs, and the way to the rows."""
        self._hub = hub
        self._hop = hop

    async def on_get(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Stream a job's events after `Last-Event-ID`, or `starting_after`; all when neither."""
        principal = req.context.principal
        cursor = cursor_of(req)

        def load() -> JobRow:
            with database.borrowed():
                return JobRow.owned_by(principal.account_id, principal.mode, job_id)

        row = await self._hop.run(load, seconds=LOOKUP_SECONDS)
        resp.set_header("X-Accel-Buffering", "no")
        resp.sse = cast("Any", self._frames(row, load, cursor))  # frames are written already

    async def _frames(
        self, row: JobRow, load: Callable[[], JobRow], cursor: int | None
    ) -> AsyncIterator[Frame]:
        yield Frame(f"retry: {RETRY_MS}")
        async with self._hub.watch(row.id) as watcher:
            reader = Reader(self._hub, self._hop, watcher, JobTeller(), cursor=cursor)
            async for frame in reader.frames(row, load):
                yield frame


class Reader:
    """Where one client is in one job's events."""

    def __init__(
        self, hub: Hub, hop: Hop, watcher: Watcher, teller: Teller, *, cursor: int | None = None
    ) -> None:
        """Begin after a number; None: from the beginning."""
        self._hub = hub
        self._hop = hop
        self._watcher = watcher
        self._teller = teller
        self._last = -1 if cursor is None else cursor
        self._has_left = False

    async def frames(self, row: JobRow, load: Callable[[], JobRow]) -> AsyncGenerator[Frame, None]:
        """Yield everything from here to the end, or to where the client has to resume.

        `row` is the job as it was a moment ago; it is loaded anew where the stream does not help.
        """
        before = None
        while not (self._teller.has_ended or self._has_left):
            if self._watcher.is_over or self._watcher.is_behind or self._last == before:
                try:
                    row = await self._hop.run(load, seconds=LOOKUP_SECONDS)
                except Unavailable:
                    for frame in self._teller.leave("unknown", self._last):
                        yield frame
                    return
            before = self._last
            async for frame in self._catch_up(row):
                yield frame
            async for frame in self._follow(row):
                yield frame

    async def _catch_up(self, row: JobRow) -> AsyncIterator[Frame]:
        """Yield what the client lacks; of a job that is over, everything up to its end."""
        self._watcher.events.clear()
        self._watcher.is_behind = self._watcher.is_over = False
        if self._last < 0:
            for frame in self._told((0, encoded(0, "status", status="queued", attempt=0))):
                yield frame
        if row.is_over and self._last >= end_seq(row):
            self._last = end_seq(row) - 1
        for event in self._teller.choose(await self._hub.replay(row.id, self._last)):
            for frame in self._told(event):
                yield frame
        if row.is_over and not self._teller.has_ended:
            for event in self._from_row(row):
                for frame in self._told(event):
                    yield frame

    async def _follow(self, row: JobRow) -> AsyncIterator[Frame]:
        """Yield what arrives, until the end, a drain, or something that has to be looked up."""
        watcher = self._watcher
        while not self._teller.has_ended:
            while watcher.events and not watcher.is_behind:
                event = watcher.events.popleft()
                if event[0] <= self._last:
                    continue
                if self._is_gap(event[0]):
                    return
                for frame in self._told(event):
                    yield frame
            if self._teller.has_ended or watcher.is_behind or watcher.is_over:
                return
            if watcher.is_closing:
                self._has_left = True
                for frame in self._teller.leave(row.state, self._last):
                    yield frame
                return
            if not await watcher.wait(HEARTBEAT_SECONDS):
                yield self._teller.heartbeat

    def _from_row(self, row: JobRow) -> list[Numbered]:
        """Return the end of a job whose stream lacks it, after everything if that may lack too."""
        first = row.attempt * PER_ATTEMPT
        end = end_seq(row), encoded(end_seq(row), "end", status=row.state, job=job_body(row))
        if self._last >= first + FINAL_SNAPSHOT:
            return [end]
        number = first + FINAL_SNAPSHOT
        return [(number, encoded(number, "snapshot", result=row.result)), end]

    def _is_gap(self, seq: int) -> bool:
        """Say whether something between was missed; before an end, always look."""
        return seq != self._last + 1 or seq % PER_ATTEMPT == END

    def _told(self, event: Numbered) -> Iterable[Frame]:
        self._last = event[0]
        return self._teller.tell(event)


def cursor_of(req: Request) -> int | None:
    """Return the number after which to go on; the header wins over the query."""
    header = req.get_header("Last-Event-ID")
    if header is None or header == "":
        value: int | None = req.context.query.get("starting_after")
        return value
    return number_of(header, "Last-Event-ID")


def number_of(text: str, name: str) -> int:
    """Return the number an event's id is; raise `Invalid`, naming where it was given."""
    if not text.isdecimal() or int(text) > LARGEST:
        raise Invalid(details=[Detail(name, "Not the id of an event.")])
    return int(text)


def over_among(hop: Hop) -> Callable[[Collection[UUID]], Any]:
    """Return the question, asked in the pool, which of some jobs are over."""

    def ask(ids: list[UUID]) -> set[UUID]:
        rows = database.rows(
            "select id from job where id = any(%s::uuid[]) and state = any(%s)",
            (ids, sorted(TERMINAL)),
        )
        return {row[0] for row in rows}

    async def sweep(ids: Collection[UUID]) -> Collection[UUID]:
        try:
            return await hop.run(lambda: ask(list(ids)), seconds=LOOKUP_SECONDS)
        except Unavailable:
            return ()

    return sweep
