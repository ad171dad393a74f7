"""The routes of people: profiles, preferences, and users for administrators."""

from typing import Any

from api.endpoints import Endpoint
from api.parts import Parts
from api.resources.api_keys import OthersKeys
from api.resources.people import Activity, OwnPreferences, People, Profiles
from api.schemas import people as shapes
from api.schemas.accounts import ApiKeyQuery, ApiKeySchema
from api.schemas.books import BookSchema
from api.schemas.lists import PageQuery, page_of
from models.kernel.errors import Conflict, Forbidden, InsufficientPermissions, NotFound


def people_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints of people."""
    return (*_own(), *_profiles(parts), *_administration(parts), *_others_keys(parts))


def _own() -> tuple[Endpoint, ...]:
    preferences = OwnPreferences()
    common: dict[str, Any] = {
        "path": "/v1/users/me/preferences",
        "answer": shapes.WishesSchema(),
        "tag": "Users",
    }
    return (
        Endpoint(
            method="GET",
            handler=preferences.on_get,
            permission="profile:read",
            summary="What I wish",
            **common,
        ),
        Endpoint(
            method="PATCH",
            handler=preferences.on_patch,
            permission="profile:write",
            summary="Change what I wish",
            description="What is left out stays; a group that is sent replaces the whole group.",
            body=shapes.WishesSchema(),
            example={
                "theme": "dark",
                "privacy": {"profileVisibility": "private", "showReadingActivity": False},
            },
            **common,
        ),
        Endpoint(
            method="GET",
            path="/v1/users/me/activity",
            handler=Activity().on_get,
            permission="profile:read",
            summary="What was done to my account, and by whom",
            tag="Users",
            query=shapes.AuditQuery(),
            answer=page_of(shapes.AuditSchema),
        ),
    )


def _profiles(parts: Parts) -> tuple[Endpoint, ...]:
    profiles = Profiles(parts.links, parts.shelf)
    common: dict[str, Any] = {"permission": "profile:read", "tag": "Users", "errors": (NotFound,)}
    return (
        Endpoint(
            method="GET",
            path="/v1/users/{user_id}",
            handler=profiles.on_get,
            summary="A public profile",
            answer=shapes.ProfileSchema(),
            **common,
        ),
        Endpoint(
            method="GET",
            path="/v1/users/{user_id}/books",
            handler=profiles.on_get_books,
            summary="The books a user shows to all",
            query=PageQuery(),
            answer=page_of(BookSchema),
            **common,
        ),
    )


def _administration(parts: Parts) -> tuple[Endpoint, ...]:
    people = People(parts.links, parts.clock)
    common: dict[str, Any] = {"permission": "users:admin", "tag": "Administration"}
    one: dict[str, Any] = {"path": "/v1/admin/users/{user_id}", **common}
    change: dict[str, Any] = {"errors": (NotFound, Forbidden, Conflict), **one}
    return (
        Endpoint(
            method="GET",
            path="/v1/admin/users",
            handler=people.on_get,
            summary="List users",
            query=shapes.PeopleQuery(),
            answer=page_of(shapes.PersonSchema),
            **common,
        ),
        Endpoint(
            method="GET",
            handler=people.on_get_one,
            summary="Look at a user",
            answer=shapes.PersonSchema(),
            errors=(NotFound,),
            **one,
        ),
        Endpoint(
            method="PATCH",
            handler=people.on_patch,
            summary="Change a user's role, tier or status",
            description="Holds from the next request on. Administrators are changed by who has"
            " `roles:admin`; nobody changes their own role or status. The role `premium` comes with"
            " the tier and is given to nobody.",
            body=shapes.PersonChangeSchema(),
            answer=shapes.PersonSchema(),
            example={"tier": "premium"},
            **change,
        ),
        Endpoint(
            method="DELETE",
            handler=people.on_delete,
            summary="Delete a user",
            description="Access ends at once. Setting `status` to `active` within 14 days brings"
            " the user back; after that everything of theirs is purged.",
            status=204,
            **change,
        ),
        Endpoint(
            method="GET",
            path="/v1/admin/users/{user_id}/audit",
            handler=people.on_get_audit,
            summary="What was done to a user, and by whom",
            query=shapes.AuditQuery(),
            answer=page_of(shapes.AuditSchema),
            errors=(NotFound,),
            **common,
        ),
    )


def _others_keys(parts: Parts) -> tuple[Endpoint, ...]:
    keys = OthersKeys(parts.clock)
    common: dict[str, Any] = {"permission": "users:admin", "tag": "Administration"}
    return (
        Endpoint(
            method="GET",
            path="/v1/admin/users/{user_id}/api-keys",
            handler=keys.on_get,
            summary="List a user's API keys",
            description="Those that are not revoked, of organizations too, each with when it was"
            " last used; never the key itself.",
            query=ApiKeyQuery(),
            answer=page_of(ApiKeySchema),
            errors=(NotFound,),
            **common,
        ),
        Endpoint(
            method="DELETE",
            path="/v1/admin/users/{user_id}/api-keys/{key_id}",
            handler=keys.on_delete,
            summary="Revoke a user's API key",
            description="Holds at once, and is in the audit of the user. Keys of administrators are"
            " revoked by who has `roles:admin`.",
            status=204,
            errors=(NotFound, InsufficientPermissions),
            **common,
        ),
    )
