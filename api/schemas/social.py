"""Signing in elsewhere, on the wire: providers, the way there and back, identities (A-16)."""

from marshmallow import EXCLUDE, fields, validate

from api.schemas.lists import PageQuery
from api.schemas.wire import Flag, Id, Line, Moment, SnakeWire, Wire

LONGEST: int = 2_000

_CHALLENGE = r"\A[A-Za-z0-9_-]{43}\Z"
_VERIFIER = r"\A[A-Za-z0-9\-._~]{43,128}\Z"


class ProviderSchema(Wire):
    """Where people may sign in."""

    name = fields.String(metadata={"example": "google"})
    title = fields.String(metadata={"example": "Google"})
    url = fields.String(
        metadata={"description": "Where to send the browser.", "example": "/v1/auth/social/google"}
    )


class ProvidersSchema(Wire):
    """All there are."""

    data = fields.List(fields.Nested(ProviderSchema))


class BeginQuery(SnakeWire):
    """Where to send somebody on, and the S256 challenge of a verifier that whoever begins keeps."""

    return_to = fields.String(
        required=True,
        validate=validate.Length(1, 500),
        metadata={"example": "/", "description": "A path here, or an address of a CORS origin."},
    )
    code_challenge = fields.String(required=True, validate=validate.Regexp(_CHALLENGE))


class CallbackQuery(SnakeWire):
    """What a provider sends somebody back with; whatever else it says is ignored."""

    class Meta:
        """marshmallow's configuration."""

        unknown = EXCLUDE

    state = fields.String(load_default="", validate=validate.Length(max=LONGEST))
    code = fields.String(load_default="", validate=validate.Length(max=LONGEST))
    iss = fields.String(load_default="", validate=validate.Length(max=LONGEST))
    error = fields.String(load_default="", validate=validate.Length(max=LONGEST))


class LoginCodeSchema(SnakeWire):
    """The code somebody came back with, and the verifier of who began."""

    login_code = fields.String(required=True, load_only=True, validate=validate.Length(1, 100))
    code_verifier = fields.String(
        required=True, load_only=True, validate=validate.Regexp(_VERIFIER)
    )
    device = Line(least=0, most=100, load_default="")
    device_token = fields.String(load_default="", load_only=True, validate=validate.Length(max=100))
    cookie = Flag(
        load_default=False,
        metadata={"description": "Keep the refresh token in a cookie that no script can read."},
    )


class IdentitySchema(Wire):
    """Who somebody is elsewhere."""

    id = Id("identity", dump_only=True)
    source = fields.String(
        dump_only=True,
        metadata={
            "example": "https://accounts.google.com",
            "description": "The provider's address, or the id of an issuer.",
        },
    )
    email = fields.String(dump_only=True, metadata={"example": "reader@example.org"})
    created_at = Moment(dump_only=True)


class IdentityQuery(PageQuery):
    """Which page of the identities."""
