"""Webhooks on the wire: endpoints and their secrets (H-01, H-07 – H-09)."""

from typing import Any, Final

from marshmallow import ValidationError, fields, validate

from api.schemas.lists import PageQuery
from api.schemas.wire import SHOWN_ONCE, Flag, Id, Line, Moment, Whole, Wire
from jobs.webhooks.endpoints import CHALLENGE
from jobs.webhooks.signing import shown_public_key
from models.kernel.places import LONGEST_URL

MOST_EVENTS: Final = 50
LONGEST_OVERLAP: Final = 7 * 86_400
SKIP: Final = "skip"

_EXAMPLE_KEY: Final = "whpk_" + "3q2" * 14 + "8="
_EXAMPLE_SECRET: Final = "whsec_" + "3q2" * 14 + "8="


class FifoField(fields.Field[bool | str]):
    """True, false, or a path into the payload."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool | str:
        if isinstance(value, bool) or (isinstance(value, str) and 0 < len(value) <= 200):
            return value
        raise ValidationError("Not true, false or a path such as data.book.id.")

    def _serialize(self, value: Any, *_: Any, **__: Any) -> bool | str:
        return False if value is None else value or True


def _url(**options: Any) -> fields.String:
    example = {"example": "https://integrator.example/ilm"}
    return fields.String(validate=validate.Length(1, LONGEST_URL), metadata=example, **options)


def _events(**options: Any) -> fields.List[Any]:
    each = fields.String(validate=validate.Length(1, 100), metadata={"example": "book.*"})
    return fields.List(each, validate=validate.Length(1, MOST_EVENTS), **options)


def _headers() -> fields.Dict:
    return fields.Dict(
        fields.String(), fields.String(), allow_none=True, load_only=True,
        metadata={"example": {"X-Tenant": "library"}},
    )  # fmt: skip


class WebhookChangeSchema(Wire):
    """What one may say of an endpoint.

    `backlog: skip`, beside `enabled`, drops what has waited. `verify: challenge` asks the address
    to echo a text first.
    """

    url = _url()
    events = _events()
    description = Line(most=200, least=0)
    filter = fields.Dict(
        fields.String(), fields.Raw(allow_none=True), allow_none=True,
        metadata={"example": {"data.book.visibility": "public"}},
    )  # fmt: skip
    transform = fields.Raw(
        allow_none=True, metadata={"example": {"text": "{{type}}: {{data.book.title}}"}}
    )
    headers = _headers()
    rate_per_second = Whole(data_key="rateLimitPerSecond", validate=validate.Range(1, 1_000))
    max_in_flight = Whole(validate=validate.Range(1, 100))
    fifo = FifoField(metadata={"example": "data.book.id"})
    verify = fields.String(validate=validate.OneOf([CHALLENGE]))
    is_enabled = Flag(data_key="enabled")
    backlog = fields.String(validate=validate.OneOf([SKIP]))


class WebhookWishSchema(WebhookChangeSchema):
    """The endpoint somebody wants: an address and the events it is told of."""

    class Meta(WebhookChangeSchema.Meta):
        """marshmallow's configuration."""

        exclude = ("is_enabled", "backlog")

    url = _url(required=True)
    events = _events(required=True)


class WebhookSchema(Wire):
    """An endpoint, without its secret. `publicKey` verifies `v1a`."""

    id = Id("wh")
    url = _url()
    events = _events()
    description = fields.String(metadata={"example": "Tells the catalogue."})
    filter = fields.Dict(allow_none=True, metadata={"example": {"data.book.visibility": "public"}})
    transform = fields.Raw(allow_none=True, metadata={"example": None})
    has_headers = fields.Function(
        lambda row: row.headers is not None, metadata={"type": "boolean", "example": False}
    )
    rate_per_second = fields.Integer(data_key="rateLimitPerSecond", metadata={"example": 50})
    max_in_flight = fields.Integer(metadata={"example": 10})
    fifo = FifoField(metadata={"example": False})
    is_enabled = fields.Boolean(data_key="enabled", metadata={"example": True})
    disabled_at = Moment(allow_none=True, metadata={"example": None})
    disabled_reason = fields.String(allow_none=True, metadata={"example": None})
    failing_since = Moment(allow_none=True, metadata={"example": None})
    public_key = fields.Function(
        lambda row: shown_public_key(row.public_key),
        metadata={"type": "string", "example": _EXAMPLE_KEY},
    )
    created_at = Moment()
    updated_at = Moment()


class NewWebhookSchema(WebhookSchema):
    """An endpoint with its secret, which is shown this once."""

    secret = fields.String(metadata={SHOWN_ONCE: True, "example": _EXAMPLE_SECRET})


class WebhookQuery(PageQuery):
    """Which endpoints to list."""


class SecretRotationSchema(Wire):
    """For how many seconds the secret before this one still signs; 0 ends it at once."""

    overlap_seconds = Whole(load_default=86_400, validate=validate.Range(0, LONGEST_OVERLAP))


class PingSchema(Wire):
    """The delivery that a ping has made."""

    delivery_id = Id("delivery")
    event_id = Id("evt")
