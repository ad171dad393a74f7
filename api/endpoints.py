"""Endpoints: what a route is, as one value. Routing, checks and the reference all come of it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from string import Formatter
from typing import Any, Final

from marshmallow import Schema

from models.kernel.errors import IlmError

PUBLIC: Final = "public"
"""Anybody may call; credentials are not even looked at."""

ANY_PRINCIPAL: Final = "any principal"
"""Whoever has a credential that holds, whatever it carries."""

LOGGED_IN: Final = "a login"
"""Whoever has logged in, and neither an API key nor an app."""

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"
HTML: Final = "text/html"
EVENT_STREAM: Final = "text/event-stream"
PDF: Final = "application/pdf"
MEBIBYTE: Final = 2**20
BODIES: Final = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True, slots=True)
class Deprecation:
    """Since when a route is deprecated, when it ends, and the path of what to read (G-11)."""

    since: datetime
    ends: datetime
    guide: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One method on one path. The handler is plain code `(req, resp, **params)`.

    A `live` handler is a coroutine run on the event loop, and reads its own body. Path fields
    called `…_id` are prefixed ids and arrive as UUIDs; others are text, or Falcon's `:int`.
    """

    method: str
    path: str
    handler: Callable[..., None] | Callable[..., Awaitable[None]]
    permission: str
    summary: str
    tag: str
    description: str = ""

    body: Schema | None = None
    """Schema of a JSON body, found by the handler as `req.context.body`."""
    form: Schema | None = None
    """Schema of a multipart body, which a live handler reads by itself."""
    urlencoded: Schema | None = None
    """Schema of a form that is posted, found as `req.context.body` too."""
    query: Schema | None = None
    """Schema of the query, found as `req.context.query`; other fields are refused."""
    answer: Schema | None = None
    status: int = 200
    media_type: str = JSON
    errors: tuple[type[IlmError], ...] = ()
    """What it may refuse with, beside what its permission and its inputs bring by themselves."""
    example: Mapping[str, Any] | None = None
    """A body to copy, for the reference; made of its schema when None."""
    shows: Any = None
    """What an answer looks like, for the reference: all of one that has no schema; else what is
    neither as in the body to copy nor as in the example of the schema."""
    streams: str = ""
    """Events of the stream that it answers with when a body or a query asks for one."""

    wire: str = ""
    """The wire in whose shape it refuses; empty for ours (XC-01, XC-03)."""
    also: tuple[int, ...] = ()
    """Statuses it answers with by itself beside `status`: a redirect, for one."""
    is_shared: bool = True
    """Whether identical reads that wait may share one answer (G-25)."""
    live: bool = False
    websocket: Callable[..., Awaitable[None]] | None = None
    """Serves a WebSocket at the same path: `(req, ws, door)` (G-26)."""
    creates: bool = False
    """Honours `Idempotency-Key` by keeping the answer."""
    keyed: bool = False
    """Honours `Idempotency-Key` in a way of its own, as jobs and uploads do."""
    body_limit: int = MEBIBYTE
    seconds: int | None = None
    """Time it may take; the setting's when None."""
    deprecated: Deprecation | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    """Kinds of ids whose field is not called after them: `{"friend": "user"}`."""

    @property
    def takes_body(self) -> bool:
        """Whether a body is read: always where the method has one, else where a schema is."""
        return self.method in BODIES or self.body is not None

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the path's fields, in order."""
        parts = (name for _, name, _, _ in Formatter().parse(self.path) if name)
        return tuple(parts)

    @property
    def template(self) -> str:
        """The path without converters, as the reference writes it."""
        pieces = Formatter().parse(self.path)
        return "".join(text + (f"{{{name}}}" if name else "") for text, name, _, _ in pieces)

    @property
    def operation_id(self) -> str:
        """A name no other endpoint has: `post_v1_api_keys`."""
        words = self.template.replace("{", "").replace("}", "").replace(".", "_")
        return f"{self.method.lower()}{words.replace('/', '_').replace('-', '_').rstrip('_')}"

    def kind_of(self, name: str) -> str | None:
        """Return the kind of id a path field holds, None for one that is not an id."""
        return self.names.get(name) or (name.removesuffix("_id") if name.endswith("_id") else None)
