"""What a client may say over a WebSocket, and nothing else (G-26)."""

from typing import Any, Final

from marshmallow import ValidationError, fields, validate

from api.schemas.wire import Wire
from jobs.llms.ask import RECOVERIES

LONGEST_ID: Final = 128
LONGEST_SUBJECT: Final = 100
LONGEST_TOKEN: Final = 8_192


class Reply(fields.Field[str | int]):
    """What a client calls a message of its own; the answer repeats it."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str | int:
        if not is_reply(value):
            raise ValidationError(f"Not a whole number, or text of up to {LONGEST_ID} characters.")
        named: str | int = value
        return named


class Message(Wire):
    """What every message has."""

    type = fields.String(required=True)
    id = Reply()


class Hello(Message):
    """Who this is, and for which organization; said again with a new token before the old ends."""

    token = fields.String(required=True, validate=validate.Length(1, LONGEST_TOKEN))
    organization = fields.String(validate=validate.Length(1, LONGEST_SUBJECT))


class Subscribe(Message):
    """What to tell of, and after which event; from the beginning when that is left out."""

    subject = fields.String(required=True, validate=validate.Length(1, LONGEST_SUBJECT))
    after = fields.String(validate=validate.Length(1, 20))
    recovery = fields.String(validate=validate.OneOf(RECOVERIES))


class Unsubscribe(Message):
    """What to tell no longer."""

    subject = fields.String(required=True, validate=validate.Length(1, LONGEST_SUBJECT))


SAYINGS: Final[dict[str, Message]] = {
    "auth": Hello(),
    "subscribe": Subscribe(),
    "unsubscribe": Unsubscribe(),
    "ping": Message(),
    "pong": Message(),
}


def is_reply(value: Any) -> bool:
    """Say whether an answer can repeat this as an id."""
    if isinstance(value, str):
        return 0 < len(value) <= LONGEST_ID and value.isprintable()
    return type(value) is int and abs(value) < 2**53
