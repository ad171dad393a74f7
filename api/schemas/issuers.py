"""Outside issuers on the wire."""

from typing import Any, Final

from marshmallow import ValidationError, fields, validate, validates_schema

from api.schemas.lists import PageQuery
from api.schemas.wire import Flag, Id, Line, Moment, Wire
from jobs.issuers.keys import ALGORITHMS
from jobs.people import TIERS
from models.issuers import ACTIVE, OFF
from models.roles import PREMIUM, roles

MOST_AUDIENCES: Final = 20
GIVEN: Final = tuple(role for role in roles() if role != PREMIUM)
"""The roles that may be given; `premium` comes with the tier."""

_ADDRESS: Final = r"\Ahttps?://[^\s<>\"\\?#@]{1,480}\Z"
_ADDRESS_OR_NONE: Final = r"\A(?:https?://[^\s<>\"\\#@]{1,480})?\Z"


def _claim(usual: str) -> Line:
    return Line(most=200, least=0, load_default=usual)


class ClaimsSchema(Wire):
    """Which claims of a token say what. An empty name: it is not said."""

    email = _claim("email")
    email_verified = _claim("email_verified")
    name = _claim("name")
    role = _claim("")
    tier = _claim("")


def _claims(**options: Any) -> fields.Nested:
    return fields.Nested(ClaimsSchema, **options)


def _audiences(**options: Any) -> fields.List[Any]:
    each = Line(most=500, metadata={"example": "https://api.example.org"})
    return fields.List(each, validate=validate.Length(1, MOST_AUDIENCES), **options)


def _some_of(*choices: str, least: int = 0, **options: Any) -> fields.List[Any]:
    each = fields.String(validate=validate.OneOf(choices))
    return fields.List(each, validate=validate.Length(least, len(choices)), **options)


def _jwks_url(**options: Any) -> fields.String:
    return fields.String(validate=validate.Regexp(_ADDRESS_OR_NONE), **options)


class IssuerWishSchema(Wire):
    """An issuer to be trusted."""

    name = Line(most=100, required=True)
    issuer_url = fields.String(
        required=True,
        attribute="url",
        validate=validate.Regexp(_ADDRESS),
        metadata={"example": "https://tenant.eu.auth0.com/", "description": "Its `iss`, exactly."},
    )
    audiences = _audiences(required=True)
    algorithms = _some_of(*ALGORITHMS, least=1, load_default=lambda: ["RS256"])
    jwks_url = _jwks_url(load_default="")
    claims = _claims(load_default=lambda: ClaimsSchema().load({}))
    roles = _some_of(*GIVEN, load_default=list)
    tiers = _some_of(*TIERS, load_default=list)
    provisions = Flag(load_default=False)
    links = Flag(load_default=False)


class IssuerChangeSchema(Wire):
    """What one may change of an issuer; at least one. `claims` is replaced as a whole."""

    name = Line(most=100)
    audiences = _audiences()
    algorithms = _some_of(*ALGORITHMS, least=1)
    jwks_url = _jwks_url()
    claims = _claims()
    roles = _some_of(*GIVEN)
    tiers = _some_of(*TIERS)
    provisions = Flag()
    links = Flag()
    status = fields.String(validate=validate.OneOf([ACTIVE, OFF]))

    @validates_schema
    def is_something(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse a change of nothing."""
        if not data:
            raise ValidationError("Name at least one field.")


class IssuerSchema(Wire):
    """An issuer and how far it is trusted."""

    id = Id("iss", dump_only=True)
    name = fields.String(dump_only=True, metadata={"example": "Our Auth0"})
    issuer_url = fields.String(
        attribute="url", dump_only=True, metadata={"example": "https://tenant.eu.auth0.com/"}
    )
    audiences = fields.List(
        fields.String(), dump_only=True, metadata={"example": ["https://api.example.org"]}
    )
    algorithms = fields.List(fields.String(), dump_only=True, metadata={"example": ["RS256"]})
    jwks_url = fields.String(
        dump_only=True, metadata={"example": "https://tenant.eu.auth0.com/.well-known/jwks.json"}
    )
    claims = fields.Nested(
        ClaimsSchema,
        dump_only=True,
        metadata={
            "example": {
                "email": "email",
                "emailVerified": "email_verified",
                "name": "name",
                "role": "",
                "tier": "",
            }
        },
    )
    roles = fields.List(
        fields.String(), dump_only=True, metadata={"example": ["user", "moderator"]}
    )
    tiers = fields.List(fields.String(), dump_only=True, metadata={"example": []})
    provisions = fields.Boolean(dump_only=True, metadata={"example": True})
    links = fields.Boolean(dump_only=True)
    status = fields.String(dump_only=True, validate=validate.OneOf([ACTIVE, OFF]))
    keys_read_at = Moment(dump_only=True, allow_none=True)
    created_at = Moment(dump_only=True)
    updated_at = Moment(dump_only=True)


class IssuerQuery(PageQuery):
    """Which page of the issuers."""
