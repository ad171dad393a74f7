"""Connections: one client at one WebSocket, which follows many subjects at once (G-26, X-9).

What a client says is taken one message after the other; what it follows is told beside that
(`api/live/following.py`). All ends together, once, with one code that says whether to come back.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from falcon import PayloadTypeError, WebSocketDisconnected
from falcon.asgi import Request, WebSocket

from api.doors import Door
from api.live.following import Following, Means
from api.live.messages import (
    FAILED,
    GONE,
    REASONS,
    RESTARTING,
    SILENT,
    SLOW,
    answer,
    code_of,
    read,
    reply_of,
)
from api.live.streams import number_of
from api.live.subjects import Subject, named, story_of
from api.principals import Principal
from api.problems import DATABASE_AWAY, database_away
from api.shown import Shown
from jobs.llms.ask import ERROR
from jobs.tokens import ends_at
from models.kernel.errors import (
    Forbidden,
    IlmError,
    RateLimitExceeded,
    Unauthorized,
)
from models.kernel.ids import wire_id
from models.kernel.logs import get_logger
from models.kernel.measures import HTTP_REFUSED
from models.standings import Held

Whose = tuple[UUID, UUID, str]
"""A person, the account they act for, and whether what they do is live or a test."""

log = get_logger(__name__)


class Connection:
    """A client's socket, from its acceptance to its end. There are thousands: it is kept small."""

    __slots__ = (
        "_counted", "_counted_from", "_door", "_ending", "_following", "_heard_at", "_means",
        "_next_beat", "_req", "_shown", "_tasks", "_whose", "_ws", "ends_at", "held",
    )  # fmt: skip

    def __init__(self, req: Request, ws: WebSocket, door: Door, means: Means) -> None:
        """Begin with nobody known, who follows nothing."""
        self._req = req
        self._ws = ws
        self._door = door
        self._means = means
        self._ending: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._tasks: set[asyncio.Task[None]] = set()
        self._next_beat: asyncio.TimerHandle | None = None
        self._following = Following(means, self.send, self._spawn)
        self._heard_at = self._counted_from = means.clock.elapsed()
        self._counted = 0
        self._shown = Shown()
        self._whose: Whose | None = None
        self.held: Held | None = None
        self.ends_at: datetime | None = None

    @property
    def account_id(self) -> UUID | None:
        """Whose account it is for, once that is known."""
        return self._whose[1] if self._whose else None

    @property
    def told(self) -> int:
        """How many events were told."""
        return self._following.told

    async def run(self, opening: Callable[[], Awaitable[None]]) -> int:
        """Open, and go on until it ends; return the code to close with."""
        self._spawn(self._live(opening))
        try:
            return await self._ending
        finally:
            if self._next_beat is not None:
                self._next_beat.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self, code: int, hang_up: Callable[[], None]) -> None:
        """Say why it ends, and see to it that it does, whether the client reads that or not."""
        if code != GONE:
            asyncio.get_running_loop().call_later(2 * self._means.bounds.linger, hang_up)
            with suppress(WebSocketDisconnected):
                await written(self._ws.close(code, REASONS.get(code)))

    def end(self, code: int) -> None:
        """Let it end with a code, unless it does already."""
        if not self._ending.done():
            self._ending.set_result(code)

    def leave(self) -> None:
        """Let it end because this process does, once all that is told has come to a rest."""
        if not self._ending.done():
            self._spawn(self._left())

    def expel(self, error: IlmError) -> None:
        """Let it end in an error, from outside."""
        if not self._ending.done():
            self._spawn(self.refuse(error))

    def become(self, principal: Principal, shown: Shown) -> None:
        """Be somebody's from now on; raise `Forbidden` when it is another's already."""
        whose = principal.user_id, principal.account_id, principal.mode
        if self._whose not in {None, whose}:
            raise Forbidden("this connection is somebody else's: open another")
        self._whose, self._shown = whose, shown
        self.ends_at = ends_at(shown.credential)
        self.held = Held(
            kind=principal.credential,
            id=principal.session_id or principal.key_id or principal.authorization_id,
            person_id=principal.user_id,
            organization_id=principal.organization_id,
        )

    async def hello(self) -> Mapping[str, Any]:
        """Return the first message, which says who this is; raise `Unauthorized` without it."""
        seconds = self._means.bounds.hello
        try:
            async with asyncio.timeout(seconds):
                said = read(await self._hear())
        except TimeoutError as error:
            raise Unauthorized(f"nobody said who they are within {seconds:g} s") from error
        if said["type"] != "auth":
            raise Unauthorized("say who you are before anything else")
        return said

    async def greet(self, said: Mapping[str, Any]) -> None:
        """Say that everything may be asked for now."""
        bounds = self._means.bounds
        await self.send(
            answer("ready", said, pingSeconds=bounds.ping, silenceSeconds=bounds.silence)
        )

    async def send(self, text: str) -> None:
        """Write to the socket; a client that does not read for too long is parted with."""
        try:
            async with asyncio.timeout(self._means.bounds.send):
                await written(self._ws.send_text(text))
        except TimeoutError:
            self.end(SLOW)

    async def complain(self, error: IlmError, said: Mapping[str, Any]) -> None:
        """Tell of an error, in the shape that every route has."""
        HTTP_REFUSED.add(error.code)
        told = self._means.problems.envelope(error, self._req.context.request_id)
        about = {"subject": said["subject"]} if "subject" in said else {}
        later = {} if error.retry_after is None else {"retryAfter": error.retry_after}
        await self.send(answer("error", said, **about, **later, **told))

    async def refuse(self, error: IlmError) -> None:
        """Tell of an error, and end."""
        await self.complain(error, {})
        self.end(code_of(error))

    async def _live(self, opening: Callable[[], Awaitable[None]]) -> None:
        try:
            await opening()
        except IlmError as error:
            await self.refuse(error)
            return
        except DATABASE_AWAY:
            await self.refuse(database_away())
            return
        self._beat()
        while True:
            await self._take(await self._hear())

    async def _hear(self) -> str | None:
        """Return the next message; None for one that is not text."""
        try:
            text: str | None = await self._ws.receive_text()
        except PayloadTypeError:
            text = None
        self._heard_at = self._means.clock.elapsed()
        return text

    async def _take(self, text: str | None) -> None:
        """Do as a message says; what is wrong with it is answered, and ends nothing by itself."""
        said: Mapping[str, Any] = {}
        try:
            if self._is_too_much():
                await self.refuse(RateLimitExceeded("too many messages", retry_after=1))
                return
            said = read(text)
            await self._act(said)
        except Unauthorized as error:
            await self.refuse(error)
        except IlmError as error:
            await self.complain(error, said or reply_of(text))
        except DATABASE_AWAY:
            await self.complain(database_away(), said)

    def _is_too_much(self) -> bool:
        bounds, now = self._means.bounds, self._means.clock.elapsed()
        if now - self._counted_from > bounds.messages_within:
            self._counted_from, self._counted = now, 0
        self._counted += 1
        return self._counted > bounds.messages

    async def _act(self, said: Mapping[str, Any]) -> None:
        match said["type"]:
            case "auth":
                await self._renew(said)
            case "subscribe":
                await self._subscribe(said)
            case "unsubscribe":
                await self._unsubscribe(said)
            case "ping":
                await self.send(answer("pong", said))

    async def _renew(self, said: Mapping[str, Any]) -> None:
        """Take another credential of the same person before the one it has ends."""
        shown = Shown(credential=said["token"], organization=said.get("organization"))
        self.become(await self._door.admit(self._req, shown), shown)
        await self.greet(said)

    async def _subscribe(self, said: Mapping[str, Any]) -> None:
        kind, thing = named(said["subject"])
        name = wire_id(kind, thing)
        self._following.refuse_more(name)
        after = number_of(said["after"], "after") if "after" in said else None
        recovery = said.get("recovery", ERROR)
        subject = Subject(kind=kind, id=thing, after=after, recovery=recovery)
        tell = partial(story_of, subject)
        story = await self._door.look(self._req, self._shown, subject.permission, tell)
        await self.send(answer("subscribed", said, subject=name))
        self._following.begin(name, story)

    async def _unsubscribe(self, said: Mapping[str, Any]) -> None:
        name = wire_id(*named(said["subject"]))
        await self._following.stop(name)
        await self.send(answer("unsubscribed", said, subject=name, reason="asked"))

    def _beat(self) -> None:
        """Ask whether the client is there, and again later; nothing waits for that meanwhile."""
        bounds, loop = self._means.bounds, asyncio.get_running_loop()
        self._next_beat = loop.call_later(bounds.ping, self._ping)

    def _ping(self) -> None:
        if self._means.clock.elapsed() - self._heard_at > self._means.bounds.silence:
            self.end(SILENT)
            return
        self._spawn(self.send(answer("ping", {})))
        self._beat()

    async def _left(self) -> None:
        await self._following.rest(self._means.bounds.leave)
        self.end(RESTARTING)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        """Let all end where one has failed; that the client has gone is no failure."""
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, WebSocketDisconnected):
            self.end(GONE)
        elif error is not None:
            log.error("live.failed", exc_info=error)
            self.end(FAILED)


async def written(work: Awaitable[None]) -> None:
    """Write to a socket; raise `WebSocketDisconnected` when its line has just closed.

    uvloop knows before the server has told: what it raises then is no failure.
    """
    try:
        await work
    except RuntimeError as error:
        raise WebSocketDisconnected(GONE) from error
