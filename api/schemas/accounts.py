"""Users, tokens and API keys on the wire."""

from typing import Any, Final

from marshmallow import fields, validate

from api.schemas.lists import PageQuery
from api.schemas.wire import SHOWN_ONCE, Id, Line, Moment, SnakeWire, Wire
from jobs.accounts import canonical_email
from jobs.passwords import LEAST, MOST
from models.roles import permissions

LONGEST_EMAIL: Final = 254


class Email(fields.Email):
    """An e-mail address, of bounded length, spelled the one way it is kept."""

    def _deserialize(self, value: Any, *rest: Any, **options: Any) -> str:
        text = canonical_email(str(super()._deserialize(value, *rest, **options)))
        if len(text) > LONGEST_EMAIL:
            raise self.make_error("invalid")
        return text


class UserSchema(Wire):
    """A user."""

    id = Id("user", dump_only=True)
    email = fields.Email(dump_only=True)
    name = fields.String(dump_only=True)
    role = fields.String(dump_only=True)
    tier = fields.String(dump_only=True)
    created_at = Moment(dump_only=True)
    last_login_at = Moment(dump_only=True, allow_none=True)


class RegisterSchema(Wire):
    """Who wants to register."""

    email = Email(required=True, validate=validate.Length(max=LONGEST_EMAIL))
    password = fields.String(
        required=True, load_only=True, validate=validate.Length(min=LEAST, max=MOST)
    )
    name = Line(least=0, most=100, load_default="")


class LoginSchema(Wire):
    """Who wants to log in. `device` is a name for where from."""

    email = fields.String(required=True, validate=validate.Length(max=LONGEST_EMAIL))
    password = fields.String(required=True, load_only=True, validate=validate.Length(max=MOST))
    device = Line(least=0, most=100, load_default="")


class TokenSchema(SnakeWire):
    """An access token, in RFC 6749's shape."""

    access_token = fields.String(metadata={SHOWN_ONCE: True})
    token_type = fields.String(metadata={"example": "Bearer"})
    expires_in = fields.Integer(metadata={"description": "Seconds it is good for."})


class RenameSchema(Wire):
    """What one may change of oneself."""

    name = Line(least=0, most=100, required=True)


class JwkSchema(SnakeWire):
    """The public half of a signing key (RFC 7517)."""

    kty = fields.String()
    kid = fields.String()
    use = fields.String()
    alg = fields.String()
    n = fields.String()
    e = fields.String()


class JwksSchema(SnakeWire):
    """The keys that sign access tokens."""

    keys = fields.List(fields.Nested(JwkSchema))


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


class ApiKeySchema(Wire):
    """An API key, without the key itself."""

    id = Id("key", dump_only=True)
    name = fields.String(dump_only=True)
    prefix = fields.String(dump_only=True, metadata={"example": "ilm_live_q3Xw9Zk"})
    mode = fields.String(dump_only=True, validate=validate.OneOf(["live", "test"]))
    scopes = fields.List(fields.String(), dump_only=True)
    expires_at = Moment(dump_only=True, allow_none=True)
    last_used_at = Moment(dump_only=True, allow_none=True)
    created_at = Moment(dump_only=True)


class NewApiKeySchema(ApiKeySchema):
    """An API key as it is answered once, when it is made."""

    key = fields.String(
        dump_only=True,
        allow_none=True,
        metadata={SHOWN_ONCE: True, "description": "Shown only here; null in a repeated answer."},
    )


class ApiKeyQuery(PageQuery):
    """Which page of the API keys."""
