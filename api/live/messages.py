"""Messages: what goes over a WebSocket, both ways, as JSON (G-26).

An event is the very text that an event stream has in `data:`, set between its subject and its
number, so that whoever reads either reads the same.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from api.endpoints import JSON
from api.reading import json_of, loaded
from api.schemas.live import SAYINGS, is_reply
from models.kernel import errors
from models.kernel.errors import Detail, IlmError, Invalid, Malformed

POLICY: Final = 1008
FAILED: Final = 1011
RESTARTING: Final = 1012
TRY_LATER: Final = 1013
UNAUTHORIZED: Final = 4401
FORBIDDEN: Final = 4403
SILENT: Final = 4408
SLOW: Final = 4409
TOO_MANY: Final = 4429
GONE: Final = 1006
"""Never sent: the client went away by itself."""

REASONS: Final[Mapping[int, str]] = {
    POLICY: "the message cannot be taken",
    FAILED: "something failed here",
    RESTARTING: "this process restarts: come back and resume",
    TRY_LATER: "there is no room: come back later",
    UNAUTHORIZED: "the credential does not hold, or no longer",
    FORBIDDEN: "this is not allowed",
    SILENT: "nothing was heard of you: come back and resume",
    SLOW: "you do not read what is sent: come back and resume",
    TOO_MANY: "too many: come back later",
}
_CODES: Final[tuple[tuple[type[IlmError], int], ...]] = (
    (errors.Unauthorized, UNAUTHORIZED),
    (errors.RateLimitExceeded, TOO_MANY),
    (errors.Unavailable, TRY_LATER),
    (errors.Forbidden, FORBIDDEN),
    (errors.NotFound, FORBIDDEN),
    (errors.Refused, POLICY),
)

Said = dict[str, Any]


def read(text: str | None) -> Said:
    """Return what a client says; raise `Malformed` for what is no JSON, `Invalid` for the rest."""
    if text is None:
        raise Malformed("messages are text")
    try:
        given = json_of(text.encode("utf-8", "surrogatepass"), JSON)
    except Malformed as error:
        raise Malformed("the message is not JSON") from error
    kind = given.get("type") if isinstance(given, dict) else None
    schema = SAYINGS.get(kind) if isinstance(kind, str) else None
    if schema is None:
        raise Invalid(details=[Detail("type", f"Must be one of: {', '.join(SAYINGS)}.")])
    said: Said = loaded(schema, given)
    return said


def reply_of(text: str | None) -> Said:
    """Return the id of a message that could not be taken, as its answer repeats it, if it has."""
    try:
        given = json.loads(text or "")
    except (ValueError, RecursionError):
        return {}
    named = given.get("id") if isinstance(given, dict) else None
    return {"id": named} if is_reply(named) else {}


def answer(kind: str, said: Mapping[str, Any], **fields: Any) -> str:
    """Write what is answered to a message, or said of ourselves when that was none."""
    named = {"id": said["id"]} if "id" in said else {}
    return json.dumps({"type": kind, **named, **fields}, separators=(",", ":"))


def event(subject: str, frame: Mapping[str, str]) -> str:
    """Write a frame of an event stream as a message; its data stays as it is, to the byte."""
    named = {name: frame[name] for name in ("id", "event") if name in frame}
    head = json.dumps({"type": "event", "subject": subject, **named}, separators=(",", ":"))
    return f'{head[:-1]},"data":{frame["data"]}}}'


def code_of(error: IlmError) -> int:
    """Return what a socket is closed with whose opening ends in an error."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), FAILED)
