"""Apps and what was granted to them, on the wire."""

from typing import Any, Final

from marshmallow import fields, validate

from api.schemas.lists import PageQuery
from api.schemas.wire import SHOWN_ONCE, Id, Line, Moment, Wire
from jobs.oauth.apps import CODE, GRANT_TYPES
from jobs.oauth.redirects import LONGEST
from jobs.oauth.scopes import known

MOST_URIS: Final = 10
CONFIDENTIAL: Final = "confidential"
PUBLIC: Final = "public"

_ADDRESS: Final = r"\A(?:https?://[^\s<>\"\\]{1,480})?\Z"


def _uris(**options: Any) -> fields.List[Any]:
    each = fields.String(
        validate=validate.Length(1, LONGEST), metadata={"example": "https://app.example/back"}
    )
    return fields.List(each, validate=validate.Length(max=MOST_URIS), **options)


def _scopes(**options: Any) -> fields.List[Any]:
    each = fields.String(validate=validate.OneOf(sorted(known())))
    return fields.List(each, validate=validate.Length(1, len(known())), **options)


def _grant_types(**options: Any) -> fields.List[Any]:
    each = fields.String(validate=validate.OneOf(GRANT_TYPES))
    return fields.List(each, validate=validate.Length(1, len(GRANT_TYPES)), **options)


def _address(**options: Any) -> fields.String:
    return fields.String(validate=validate.Regexp(_ADDRESS), **options)


class AppWishSchema(Wire):
    """The app somebody wants to register. A public one has no secret, as on a phone or a page."""

    name = Line(most=100, required=True)
    client_type = fields.String(
        load_default=CONFIDENTIAL, validate=validate.OneOf([CONFIDENTIAL, PUBLIC])
    )
    redirect_uris = _uris(load_default=list)
    scopes = _scopes(required=True)
    grant_types = _grant_types(load_default=lambda: [CODE])
    homepage_url = _address(load_default="")
    logo_url = _address(load_default="")


class AppChangeSchema(Wire):
    """What one may change of an app."""

    name = Line(most=100)
    redirect_uris = _uris()
    scopes = _scopes()
    grant_types = _grant_types()
    homepage_url = _address()
    logo_url = _address()


class AppSchema(Wire):
    """An app, without its secret."""

    id = Id("app", dump_only=True)
    client_id = fields.String(dump_only=True, metadata={"example": "Zx4b1oQ2mE8kT0nSwq5LhR3d"})
    client_type = fields.Function(
        lambda app: CONFIDENTIAL if app.is_confidential else PUBLIC,
        metadata={"type": "string", "enum": [CONFIDENTIAL, PUBLIC], "example": "confidential"},
    )
    name = fields.String(dump_only=True, metadata={"example": "Marginalia"})
    redirect_uris = fields.List(
        fields.String(), dump_only=True, metadata={"example": ["https://app.example/back"]}
    )
    scopes = fields.List(
        fields.String(), dump_only=True, metadata={"example": ["openid", "books:read"]}
    )
    grant_types = fields.List(
        fields.String(),
        dump_only=True,
        metadata={"example": ["authorization_code", "refresh_token"]},
    )
    homepage_url = fields.String(dump_only=True, metadata={"example": "https://app.example"})
    logo_url = fields.String(dump_only=True, metadata={"example": ""})
    created_at = Moment(dump_only=True)
    updated_at = Moment(dump_only=True)


class NewAppSchema(AppSchema):
    """An app as it is answered once, with its secret; a public one has none."""

    client_secret = fields.String(
        dump_only=True,
        allow_none=True,
        metadata={
            SHOWN_ONCE: True,
            "description": "Shown only here; null in a repeated answer.",
            "example": "ils_…",
        },
    )


class AppQuery(PageQuery):
    """Which page of the apps."""


class GrantedAppSchema(Wire):
    """The app something was granted to."""

    client_id = fields.String(dump_only=True, metadata={"example": "Zx4b1oQ2mE8kT0nSwq5LhR3d"})
    name = fields.String(dump_only=True, metadata={"example": "Marginalia"})
    homepage_url = fields.String(dump_only=True, metadata={"example": "https://app.example"})


class GrantSchema(Wire):
    """What somebody has granted an app."""

    id = Id("grant", dump_only=True)
    app = fields.Nested(GrantedAppSchema, dump_only=True)
    scopes = fields.List(
        fields.String(), dump_only=True, metadata={"example": ["openid", "books:read"]}
    )
    created_at = Moment(dump_only=True)
    updated_at = Moment(dump_only=True)


class GrantQuery(PageQuery):
    """Which page of the grants."""
