"""Rules on addresses on the wire."""

from typing import Final

from marshmallow import fields, validate

from api.schemas.accounts import NetworkField
from api.schemas.lists import PageQuery
from api.schemas.wire import Id, Line, Moment, Wire
from models.addresses import ADMIN, ALLOW, DENY, GLOBAL

SCOPES: Final = (GLOBAL, ADMIN)
ACTIONS: Final = (ALLOW, DENY)


class IpRuleWishSchema(Wire):
    """The rule to make: on an address, or on a network of IPv4 or IPv6."""

    scope = fields.String(required=True, validate=validate.OneOf(SCOPES))
    action = fields.String(required=True, validate=validate.OneOf(ACTIONS))
    network = NetworkField(required=True, metadata={"example": "203.0.113.0/24"})
    note = Line(least=0, most=200, load_default="")
    expires_at = Moment(load_default=None, allow_none=True)


class IpRuleSchema(Wire):
    """A rule on addresses; one that has expired counts no more."""

    id = Id("rule")
    scope = fields.String(validate=validate.OneOf(SCOPES))
    action = fields.String(validate=validate.OneOf(ACTIONS), metadata={"example": "deny"})
    network = fields.String(metadata={"example": "203.0.113.0/24"})
    note = fields.String(metadata={"example": "Guesses passwords."})
    created_by = Id("user", attribute="created_by_id")
    created_at = Moment()
    expires_at = Moment(allow_none=True, metadata={"example": None})


class IpRuleQuery(PageQuery):
    """Which page of the rules."""
