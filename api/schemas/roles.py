"""Roles on the wire."""

from typing import Any, Final

from marshmallow import ValidationError, fields, validate, validates_schema

from api.schemas.lists import PageQuery
from api.schemas.wire import Line, Wire
from models.roles import permissions

LONGEST: Final = 500


def role_name(**options: Any) -> fields.String:
    """Return the field of a role's name."""
    rule = validate.Regexp(r"^[a-z][a-z0-9_]{1,49}\Z", error="Not the name of a role.")
    schema = {"pattern": "^[a-z][a-z0-9_]{1,49}$", "example": "support"}
    return fields.String(validate=rule, metadata=schema, **options)


def _permissions(**options: Any) -> "fields.List[Any]":
    one = fields.String(validate=validate.OneOf(sorted(permissions())))
    return fields.List(one, validate=validate.Length(1, len(permissions())), **options)


class RoleSchema(Wire):
    """A role, and what it carries."""

    name = fields.String(metadata={"example": "support"})
    description = fields.String(metadata={"example": "Helps people who are stuck."})
    permissions = fields.List(fields.String(), metadata={"example": ["books:read", "users:admin"]})
    is_built_in = fields.Boolean(data_key="builtIn")


class NewRoleSchema(Wire):
    """The role to make."""

    name = role_name(required=True)
    description = Line(least=0, most=LONGEST, load_default="")
    permissions = _permissions(required=True)


class RoleChangeSchema(Wire):
    """What to change of a role; at least one."""

    description = Line(least=0, most=LONGEST)
    permissions = _permissions()

    @validates_schema
    def is_something(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse a change of nothing."""
        if not data:
            raise ValidationError("Name at least one of description and permissions.")


class RoleQuery(PageQuery):
    """Which page of the roles."""
