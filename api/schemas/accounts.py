"""Users and API keys on the wire."""

from ipaddress import ip_network
from typing import Any, Final

from marshmallow import ValidationError, fields, validate

from api.schemas.lists import PageQuery
from api.schemas.wire import (
    SHOWN_ONCE,
    FileField,
    Flag,
    Id,
    Line,
    Moment,
    SnakeWire,
    Whole,
    Wire,
    example_id,
    example_link,
)
from jobs.accounts import canonical_email
from jobs.passwords import LEAST, MOST
from models.roles import permissions

LONGEST_EMAIL: Final = 254
MOST_NETWORKS: Final = 50
MOST_PER_MINUTE: Final = 10_000_000
DAY: Final = 86_400


class Email(fields.Email):
    """An e-mail address, of bounded length, spelled the one way it is kept."""

    def _deserialize(self, value: Any, *rest: Any, **options: Any) -> str:
        text = canonical_email(str(super()._deserialize(value, *rest, **options)))
        if len(text) > LONGEST_EMAIL:
            raise self.make_error("invalid")
        return text


def new_password() -> fields.String:
    """Return the field of a password somebody chooses."""
    rule = validate.Length(min=LEAST, max=MOST)
    return fields.String(required=True, load_only=True, validate=rule)


def _avatar(pixels: int) -> str:
    return example_link(f"/v1/users/{example_id('user')}/avatars/{'7b' * 32}-{pixels}.webp")


class UserSchema(Wire):
    """A user."""

    id = Id("user", dump_only=True)
    email = fields.Email(dump_only=True)
    name = fields.String(dump_only=True, metadata={"example": "Ada"})
    role = fields.String(attribute="role_held", dump_only=True, metadata={"example": "user"})
    tier = fields.String(dump_only=True, metadata={"example": "premium"})
    created_at = Moment(dump_only=True)
    last_login_at = Moment(dump_only=True, allow_none=True)
    email_verified_at = Moment(dump_only=True, allow_none=True)
    avatar_url = fields.Url(
        dump_only=True,
        allow_none=True,
        metadata={
            "description": "512 px, WebP; signed, good for an hour.",
            "example": _avatar(512),
        },
    )
    avatar_thumbnail_url = fields.Url(
        dump_only=True,
        allow_none=True,
        metadata={"description": "The same, 96 px.", "example": _avatar(96)},
    )


class AvatarForm(Wire):
    """An uploaded avatar: JPEG, PNG or WebP, 5 MB at most."""

    file = FileField(
        required=True,
        metadata={"type": "string", "format": "binary", "example": "(the bytes of ada.jpg)"},
    )


class RegisterSchema(Wire):
    """Who wants to register."""

    email = Email(required=True, validate=validate.Length(max=LONGEST_EMAIL))
    password = new_password()
    name = Line(least=0, most=100, load_default="")


class RenameSchema(Wire):
    """What one may change of oneself."""

    name = Line(least=0, most=100, required=True)


class LeaveSchema(Wire):
    """The password, unless there is a second factor: then that counts.

    `erase` purges at once what else is kept for 14 days.
    """

    password = fields.String(load_default="", load_only=True, validate=validate.Length(max=MOST))
    erase = Flag(load_default=False)


class LeavingSchema(Wire):
    """When what is a user's is purged; until then an administrator can bring them back."""

    purge_at = Moment(dump_only=True, metadata={"example": "2026-12-04T12:00:00.000Z"})


class HoldingSchema(Wire):
    """How much somebody keeps of something, and how much they may."""

    resource = fields.String(metadata={"example": "books"})
    limit = fields.Integer(metadata={"example": 10_000})
    used = fields.Integer(metadata={"example": 12})


class QuotasSchema(Wire):
    """What a user keeps, by resource, and what their tier allows."""

    tier = fields.String(metadata={"example": "premium"})
    quotas = fields.List(fields.Nested(HoldingSchema))


class JwkSchema(SnakeWire):
    """The public half of a signing key (RFC 7517)."""

    kty = fields.String(metadata={"example": "RSA"})
    kid = fields.String(metadata={"example": "vX1mR0c2"})
    use = fields.String(metadata={"example": "sig"})
    alg = fields.String(metadata={"example": "RS256"})
    n = fields.String(metadata={"example": "xK9d0Jq2rNnT5cVb…"})
    e = fields.String(metadata={"example": "AQAB"})


class JwksSchema(SnakeWire):
    """The keys that sign access tokens."""

    keys = fields.List(fields.Nested(JwkSchema))


class NetworkField(fields.Field[str]):
    """An address, or a network in CIDR notation, kept as a network."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        try:
            is_text = isinstance(value, str) and "%" not in value
            return str(ip_network(value)) if is_text else self._refuse()
        except ValueError:
            return self._refuse()

    def _serialize(self, value: Any, *_: Any, **__: Any) -> Any:
        return value

    def _refuse(self) -> str:
        raise ValidationError("Not an address or a network such as 203.0.113.0/24.")


class KeyWishSchema(Wire):
    """The API key somebody asks for. Without scopes it may do all that its maker may."""

    name = Line(most=100, required=True)
    mode = fields.String(load_default="live", validate=validate.OneOf(["live", "test"]))
    scopes = fields.List(
        fields.String(validate=validate.OneOf(sorted(permissions()))),
        load_default=list,
        validate=validate.Length(max=len(permissions())),
    )
    expires_at = Moment(load_default=None, allow_none=True)
    ip_allow = fields.List(
        NetworkField(metadata={"example": "203.0.113.0/24"}),
        load_default=list,
        validate=validate.Length(max=MOST_NETWORKS),
    )
    rate_limit_per_minute = Whole(
        load_default=None, allow_none=True, validate=validate.Range(1, MOST_PER_MINUTE)
    )


class RotationSchema(Wire):
    """How long the old key goes on beside the new one, in seconds."""

    overlap_seconds = Whole(load_default=DAY, validate=validate.Range(0, 7 * DAY))


class KeyTotalsSchema(Wire):
    """How many requests came with a key, ever and in the last seven days."""

    requests = fields.Integer(metadata={"example": 1_204})
    last_7_days = fields.Integer(data_key="last7Days", metadata={"example": 310})


class ApiKeySchema(Wire):
    """An API key, without the key itself."""

    id = Id("key", dump_only=True)
    name = fields.String(dump_only=True, metadata={"example": "my laptop"})
    prefix = fields.String(dump_only=True, metadata={"example": "ilm_live_q3Xw9Zk"})
    mode = fields.String(dump_only=True, validate=validate.OneOf(["live", "test"]))
    scopes = fields.List(
        fields.String(), dump_only=True, metadata={"example": ["books:read", "chats:read"]}
    )
    ip_allow = fields.List(
        fields.String(), dump_only=True, metadata={"example": ["203.0.113.0/24"]}
    )
    rate_limit_per_minute = fields.Integer(
        dump_only=True, allow_none=True, metadata={"example": 60}
    )
    expires_at = Moment(
        dump_only=True, allow_none=True, metadata={"example": "2027-11-20T12:00:00.000Z"}
    )
    last_used_at = Moment(dump_only=True, allow_none=True)
    created_at = Moment(dump_only=True)
    usage = fields.Nested(KeyTotalsSchema, dump_only=True)


class KeyDaySchema(Wire):
    """How many requests came with a key on one day, in UTC."""

    date = fields.Date(attribute="day")
    requests = fields.Integer(metadata={"example": 41})


class KeyUsageSchema(KeyTotalsSchema):
    """How much a key is used; days without a request are left out, the newest is first."""

    days = fields.List(fields.Nested(KeyDaySchema))


class KeyUsageQuery(Wire):
    """How many days to look back."""

    days = Whole(load_default=30, validate=validate.Range(1, 90))


class NewApiKeySchema(ApiKeySchema):
    """An API key as it is answered once, when it is made."""

    key = fields.String(
        dump_only=True,
        allow_none=True,
        metadata={
            SHOWN_ONCE: True,
            "description": "Shown only here; null in a repeated answer.",
            "example": "ilm_live_q3Xw9Zk…",
        },
    )


class ApiKeyQuery(PageQuery):
    """Which page of the API keys."""
