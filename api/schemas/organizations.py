"""Organizations, their members, teams and invitations on the wire."""

from typing import Any, Final

from marshmallow import ValidationError, fields, validate, validates_schema

from api.schemas.accounts import LONGEST_EMAIL, Email
from api.schemas.lists import PageQuery
from api.schemas.people import AuditSchema
from api.schemas.wire import Id, Line, Moment, Wire
from models.organizations import OWNER
from models.roles import roles_in_organization

ROLES: Final = roles_in_organization()
BELOW_OWNER: Final = tuple(role for role in ROLES if role != OWNER)
LONGEST_NAME: Final = 100
LONGEST_TOKEN: Final = 200


def _role(choices: tuple[str, ...], **options: Any) -> fields.String:
    return fields.String(validate=validate.OneOf(choices), **options)


class OrganizationSchema(Wire):
    """An organization, and what who asks is in it, with their teams."""

    id = Id("org")
    name = fields.String(metadata={"example": "The Library"})
    role = _role(ROLES, metadata={"example": "owner"})
    created_at = Moment()


class OrganizationWishSchema(Wire):
    """What an organization is called."""

    name = Line(most=LONGEST_NAME, required=True)


class HeirSchema(Wire):
    """Whose an organization is from now on."""

    user_id = Id("user", required=True)


class MemberSchema(Wire):
    """A member: their own role, beside which are those of their teams."""

    user_id = Id("user")
    name = fields.String(attribute="user.name", metadata={"example": "Ada"})
    email = fields.Email(
        attribute="user.email",
        allow_none=True,
        metadata={"description": "Told to the organization's admins alone."},
    )
    role = _role(ROLES, metadata={"example": "member"})
    joined_at = Moment(attribute="created_at")


class MemberChangeSchema(Wire):
    """Another role of a member's own."""

    role = _role(ROLES, required=True)


class TeamSchema(Wire):
    """A team, and the role that its members have beside their own."""

    id = Id("team")
    name = fields.String(metadata={"example": "Editors"})
    role = _role(BELOW_OWNER, metadata={"example": "member"})
    created_at = Moment()


class TeamWishSchema(Wire):
    """The team to make."""

    name = Line(most=LONGEST_NAME, required=True)
    role = _role(BELOW_OWNER, required=True)


class TeamChangeSchema(Wire):
    """What to change of a team; at least one."""

    name = Line(most=LONGEST_NAME)
    role = _role(BELOW_OWNER)

    @validates_schema
    def is_something(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse a change of nothing."""
        if not data:
            raise ValidationError("Name at least one of name and role.")


class TeamMemberSchema(Wire):
    """A member of a team."""

    user_id = Id("user")
    name = fields.String(attribute="user.name", metadata={"example": "Ada"})
    joined_at = Moment(attribute="created_at")


class InvitationWishSchema(Wire):
    """Whom to invite, as what."""

    email = Email(required=True, validate=validate.Length(max=LONGEST_EMAIL))
    role = _role(BELOW_OWNER, load_default="member")


class InvitationSchema(Wire):
    """An invitation that is open. What the mail carries is nowhere but in it."""

    id = Id("inv")
    email = fields.Email()
    role = _role(BELOW_OWNER, metadata={"example": "member"})
    invited_by = Id("user", attribute="invited_by_id")
    created_at = Moment()
    expires_at = Moment(metadata={"example": "2026-11-27T12:00:00.000Z"})
    sent_at = Moment(allow_none=True)


class AcceptanceSchema(Wire):
    """What the mail of an invitation carried."""

    token = fields.String(required=True, load_only=True, validate=validate.Length(1, LONGEST_TOKEN))


class OrganizationAuditSchema(AuditSchema):
    """One thing that was done in an organization, and to whom."""

    user_id = Id("user", attribute="person_id")


class OrganizationQuery(PageQuery):
    """Which page of the list."""
