"""Profiles, preferences and what administrators see and change of people (A-24, A-30, A-31)."""

from typing import Any, Final

from marshmallow import ValidationError, fields, validate, validates_schema

from api.schemas.accounts import UserSchema
from api.schemas.lists import AnyOf, PageQuery, Sort
from api.schemas.roles import role_name
from api.schemas.wire import Flag, Id, Line, Moment, Whole, Wire, example_id
from jobs.people import STANDINGS, TIERS

PROFILES: Final = ("public", "friends", "private")


class ProfileSchema(Wire):
    """What everybody sees of a user."""

    id = Id("user")
    name = fields.String(metadata={"example": "Ada"})
    created_at = Moment()
    avatar_url = fields.Url(allow_none=True, metadata={"example": None})
    avatar_thumbnail_url = fields.Url(allow_none=True, metadata={"example": None})


class NotificationsSchema(Wire):
    """Of what a person is told, and how."""

    email = Flag(load_default=True, metadata={"example": True})
    product_news = Flag(load_default=False)
    club_activity = Flag(load_default=True, metadata={"example": True})
    cost_summary = fields.String(
        load_default="off", validate=validate.OneOf(["off", "daily", "weekly", "monthly"])
    )


class PrivacySchema(Wire):
    """Who sees what of a person."""

    profile_visibility = fields.String(load_default="public", validate=validate.OneOf(PROFILES))
    show_reading_activity = Flag(load_default=False)


class ReadingSchema(Wire):
    """How a person reads."""

    page_tier = fields.String(
        load_default="medium",
        validate=validate.OneOf(["thumbnail", "medium", "high-res", "ultra"]),
        metadata={"example": "medium"},
    )
    layout = fields.String(
        load_default="single", validate=validate.OneOf(["single", "spread", "scroll"])
    )
    zoom_percent = Whole(
        load_default=100, validate=validate.Range(25, 400), metadata={"example": 100}
    )


class WishesSchema(Wire):
    """What a person wishes. What is left out stays as it is; a group is replaced as a whole."""

    theme = fields.String(validate=validate.OneOf(["light", "dark", "system"]))
    language = Line(least=2, most=35, metadata={"example": "en"})
    notifications = fields.Nested(NotificationsSchema)
    privacy = fields.Nested(PrivacySchema)
    reading = fields.Nested(ReadingSchema)


USUAL: Final[dict[str, Any]] = {
    "theme": "system",
    "language": "en",
    **{
        name: group.dump(group.load({}))
        for name, group in {
            "notifications": NotificationsSchema(),
            "privacy": PrivacySchema(),
            "reading": ReadingSchema(),
        }.items()
    },
}
"""What holds for who has said nothing."""


class PersonSchema(UserSchema):
    """A user as administrators see them."""

    status = fields.String(dump_only=True, validate=validate.OneOf(STANDINGS))
    updated_at = Moment(dump_only=True)
    purge_at = Moment(dump_only=True, allow_none=True, metadata={"example": None})
    purged_at = Moment(dump_only=True, allow_none=True, metadata={"example": None})


class PersonChangeSchema(Wire):
    """What administrators may change of a user; at least one."""

    role = role_name()
    tier = fields.String(validate=validate.OneOf(TIERS))
    status = fields.String(validate=validate.OneOf(STANDINGS))

    @validates_schema
    def is_something(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse a change of nothing."""
        if not data:
            raise ValidationError("Name at least one of role, tier and status.")


class PeopleQuery(PageQuery):
    """Which users to list."""

    email = fields.String(validate=validate.Length(1, 254))
    role = AnyOf()
    tier = AnyOf(*TIERS)
    status = AnyOf(*STANDINGS)
    sort = Sort("created_at", "email", "last_login_at", load_default=None)


class AuditSchema(Wire):
    """One thing that was done to a user."""

    action = fields.String(metadata={"example": "user.changed"})
    actor_id = Id("user")
    details = fields.Dict(
        keys=fields.String(),
        metadata={"example": {"before": {"tier": "free"}, "after": {"tier": "premium"}}},
    )
    request_id = fields.String(allow_none=True, metadata={"example": example_id("req")})
    created_at = Moment()


class AuditQuery(PageQuery):
    """Which page of what was done."""
