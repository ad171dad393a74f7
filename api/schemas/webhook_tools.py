"""Receivers' tools on the wire: deliveries again, the signature debugger, the echo (H-10, H-11)."""

from typing import Final

from marshmallow import fields, validate

from api.schemas.webhook_log import STAMP
from api.schemas.wire import Id, Moment, Wire, example_id
from jobs.webhooks.signing import SIGNATURE
from models.kernel.places import LONGEST_URL

MOST_HEADERS: Final = 100
LONGEST_HEADER: Final = 8_192
LONGEST_BODY: Final = 512 * 1_024

_V1: Final = "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="
_CONTENT: Final = f"{example_id('evt')}.{STAMP}.{{}}"


class ResentSchema(Wire):
    """The delivery that was made."""

    delivery_id = Id("delivery")


class RecoverySchema(Wire):
    """Since when to recover: by when events happened."""

    since = Moment(required=True)


class ReplaySchema(Wire):
    """The span to replay, from `since` to, not in, `until`, by default now; and where to."""

    url = fields.String(
        validate=validate.Length(1, LONGEST_URL),
        metadata={"example": "https://staging.integrator.example/ilm"},
    )
    since = Moment(required=True)
    until = Moment()


class SuspectSchema(Wire):
    """A delivery as it was received: its headers, and its body as text."""

    headers = fields.Dict(
        fields.String(validate=validate.Length(1, 200)),
        fields.String(validate=validate.Length(0, LONGEST_HEADER)),
        required=True,
        validate=validate.Length(0, MOST_HEADERS),
        metadata={
            "example": {"webhook-id": example_id("evt"), "webhook-timestamp": STAMP, SIGNATURE: _V1}
        },
    )
    body = fields.String(
        required=True, validate=validate.Length(0, LONGEST_BODY), metadata={"example": "{}"}
    )


class SignedSchema(Wire):
    """The bytes that are signed, and their signatures by each secret that holds."""

    base64 = fields.String(metadata={"example": "ZXZ0XzE="})
    text = fields.String(metadata={"example": _CONTENT})
    signatures = fields.List(fields.String(metadata={"example": _V1}))


class GivenSchema(Wire):
    """A signature that was given, and whether it holds."""

    header = fields.String(metadata={"example": SIGNATURE})
    signature = fields.String(metadata={"example": _V1})
    is_right = fields.Boolean(data_key="verifies", metadata={"example": True})


class TimestampSchema(Wire):
    """How old the timestamp is, and whether that is within five minutes."""

    age_seconds = fields.Integer(allow_none=True, metadata={"example": 3})
    is_fresh = fields.Boolean(metadata={"example": True})


class DifferenceSchema(Wire):
    """Where the body first differs from what was sent, counted in bytes, and what stands there."""

    offset = fields.Integer(metadata={"example": 17})
    given = fields.String(metadata={"example": ' "type":"book.created"}'})
    sent = fields.String(metadata={"example": '"type": "book.created"}'})


class FindingSchema(Wire):
    """What was signed, what should have come of it, and what is likely wrong.

    `standard` is of Standard Webhooks, `own` of our own header; null without what they need.
    """

    is_verified = fields.Boolean(data_key="verified", metadata={"example": True})
    standard = fields.Nested(SignedSchema, allow_none=True)
    own = fields.Nested(SignedSchema, allow_none=True, metadata={"example": None})
    given = fields.List(fields.Nested(GivenSchema))
    timestamp = fields.Nested(TimestampSchema)
    delivery_id = Id("delivery", allow_none=True)
    difference = fields.Nested(DifferenceSchema, allow_none=True, metadata={"example": None})
    causes = fields.List(fields.String(metadata={"example": "the signature holds"}))


class EchoSchema(Wire):
    """Something the sandbox's receiver was sent, and whether the signature held."""

    webhook_id = Id("wh")
    delivery_id = Id("delivery")
    received_at = Moment()
    verified = fields.Boolean(metadata={"example": True})
    headers = fields.Dict(metadata={"example": {"webhook-id": example_id("evt")}})
    body = fields.String(metadata={"example": '{"type": "job.succeeded"}'})


class EchoesSchema(Wire):
    """The address to register, and what was sent there, the newest first."""

    url = fields.String(metadata={"example": "https://ilm.example.org/v1/sandbox/echo"})
    data = fields.List(fields.Nested(EchoSchema))
