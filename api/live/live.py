"""`/v1/live`: real-time updates over a WebSocket, the same events as the event streams (G-26, X-9).

Who opens it says who they are in the request, as everywhere, or in the first message; a browser's
login counts too, but only for pages of ours: any page may open a WebSocket anywhere, and its
browser sends the cookies along (RFC 6455 §10.2).
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, NoReturn

from falcon.asgi import Request, Response, WebSocket

from api.cookies import Cookies
from api.doors import Door
from api.live.connections import Connection, written
from api.live.following import Means
from api.live.messages import GONE, RESTARTING
from api.live.sockets import Sockets
from api.problems import catalogue
from api.recording import Recording
from api.shown import ORGANIZATION, Shown, shown_by, shows_any
from models.kernel.denials import UpgradeRequired
from models.kernel.errors import Forbidden, IlmError, RateLimitExceeded, Unavailable
from models.kernel.logs import get_logger
from models.kernel.measures import LIVE_CLOSED

HANG_UP: Final = "ilm.hang_up"
"""Where in a socket's scope is what cuts its line."""
OPENED: Final = 101
REQUEST_ID: Final = "X-Request-ID"
ANY: Final = "*"

log = get_logger(__name__)


class Live:
    """The WebSocket, and what is said to plain requests."""

    def __init__(
        self,
        means: Means,
        sockets: Sockets,
        cookies: Cookies,
        recording: Recording,
        origins: frozenset[str],
    ) -> None:
        """Take what connections act through, the others, who names logins, what notes, whose."""
        self._means = means
        self._sockets = sockets
        self._cookies = cookies
        self._recording = recording
        self._origins = origins

    async def on_get(self, _req: Request, _resp: Response) -> NoReturn:
        """Raise `UpgradeRequired`: nothing is here but the WebSocket."""
        raise UpgradeRequired

    async def on_websocket(self, req: Request, ws: WebSocket, door: Door) -> None:
        """Serve one client to the end; a page of somebody else's is refused before that (403)."""
        self._refuse_foreign(req)
        await written(ws.accept(headers=((REQUEST_ID, req.context.request_id),)))
        connection = Connection(req, ws, door, self._means)
        with self._sockets.holding(connection):
            code = GONE
            try:
                code = await connection.run(partial(self._open, connection, req, door))
                await connection.close(code, req.scope[HANG_UP])
            finally:
                self._note(connection, code)

    async def _open(self, connection: Connection, req: Request, door: Door) -> None:
        """Admit who it is; whatever came of it is noted as that of a request is."""
        try:
            said = await self._admit(connection, req, door)
        except IlmError as error:
            self._recording.record(req, catalogue()[error.code].status)
            raise
        self._recording.record(req, OPENED)
        del req.context.principal  # what it may do is looked up again when it asks
        if self._sockets.is_closing:
            connection.end(RESTARTING)
        await connection.greet(said)

    async def _admit(self, connection: Connection, req: Request, door: Door) -> Mapping[str, Any]:
        """Let a connection be somebody's; return the message that said so, if one did."""
        if self._sockets.is_full:
            raise Unavailable("there are too many connections here", retry_after=5)
        said: Mapping[str, Any] = {}
        shown = self._shown(req)
        if shown is None:
            await door.knock(req)
            said = await connection.hello()
            shown = Shown(credential=said["token"], organization=said.get("organization"))
        principal = await door.admit(req, shown)
        if self._sockets.is_full_of(principal.user_id):
            most = self._sockets.bounds.per_person
            raise RateLimitExceeded(f"you have {most} connections here already", retry_after=5)
        connection.become(principal, shown)
        return said

    def _shown(self, req: Request) -> Shown | None:
        """Return what a request shows, None when that is still to come."""
        if shows_any(req):
            return shown_by(req)
        login_id = self._cookies.live_session_id(req)
        if login_id is None or not self._is_ours(req):
            return None
        return Shown(login_id=login_id, organization=req.get_header(ORGANIZATION))

    def _refuse_foreign(self, req: Request) -> None:
        """Raise `Forbidden` for the page of an origin that may not read our answers either."""
        is_told = req.get_header("Origin") is not None
        if not is_told or ANY in self._origins or self._is_ours(req):
            return
        error = Forbidden("pages of this origin may not open it: ILM_CORS_ORIGINS lists who may")
        self._recording.record(req, catalogue()[error.code].status)
        raise error

    def _is_ours(self, req: Request) -> bool:
        """Say whether a page of ours asks, or of an origin that the settings name."""
        origin = req.get_header("Origin") or ""
        host = origin.partition("://")[2]
        return bool(host) and (origin in self._origins or host == req.get_header("Host"))

    def _note(self, connection: Connection, code: int) -> None:
        LIVE_CLOSED.add(str(code))
        account_id = str(connection.account_id) if connection.account_id else None
        log.info("live.closed", code=code, events=connection.told, account_id=account_id)


def hang_up_of(send: object) -> Callable[[], None]:
    """Return what cuts the line of a socket.

    A server that closes waits until its client has taken in what was written, which one that does
    not read never does. gunicorn's `send` is a method of what holds the line.
    """
    line: Any = getattr(getattr(send, "__self__", None), "transport", None)
    return _nothing if line is None else line.abort


def _nothing() -> None:
    """Cut nothing: there is no line."""
