"""The routes of accounts: registering, oneself, and API keys; logging in is beside this file."""

from typing import Any, Final

from api.endpoints import ANY_PRINCIPAL, PUBLIC, Endpoint
from api.parts import Parts
from api.resources.accounts import Me, Registrations, SigningKeys
from api.resources.api_keys import ApiKeys
from api.routes.avatars import avatar_routes
from api.routes.factors import factor_routes
from api.routes.logins import desk_of, login_routes
from api.schemas import accounts as shapes
from api.schemas.lists import page_of
from jobs.mail import Mailroom
from models.kernel.denials import AccountLocked, StepUpRequired
from models.kernel.errors import (
    Conflict,
    DuplicateResource,
    Forbidden,
    InsufficientPermissions,
    NotFound,
)

UNUSED: Final = {"lastUsedAt": None, "usage": {"requests": 0, "last7Days": 0}}


def account_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints of accounts."""
    return (
        *_registration(parts),
        *login_routes(parts),
        *factor_routes(parts),
        *_users(parts),
        *avatar_routes(parts),
        *_api_keys(parts),
    )


def _registration(parts: Parts) -> tuple[Endpoint, ...]:
    common: dict[str, Any] = {"permission": PUBLIC, "tag": "Authentication"}
    return (
        Endpoint(
            method="POST",
            path="/v1/auth/register",
            handler=Registrations(Mailroom(parts.queue), parts.links, parts.clock).on_post,
            summary="Register",
            description="A password has 8 to 256 characters, any of them. A mail verifies the"
            " address.",
            body=shapes.RegisterSchema(),
            answer=shapes.UserSchema(),
            status=201,
            errors=(DuplicateResource,),
            example={"email": "reader@example.org", "password": "a long sentence", "name": "Ada"},
            **common,
        ),
        Endpoint(
            method="GET",
            path="/.well-known/jwks.json",
            handler=SigningKeys(parts.tokens).on_get,
            summary="The keys that sign access tokens",
            answer=shapes.JwksSchema(),
            **common,
        ),
    )


def _users(parts: Parts) -> tuple[Endpoint, ...]:
    me = Me(desk_of(parts), parts.links, parts.queue)
    whole: dict[str, Any] = {"path": "/v1/users/me", "tag": "Users"}
    common: dict[str, Any] = {"answer": shapes.UserSchema(), **whole}
    return (
        Endpoint(
            method="GET",
            handler=me.on_get,
            permission="profile:read",
            summary="Who I am",
            **common,
        ),
        Endpoint(
            method="PATCH",
            handler=me.on_patch,
            permission="profile:write",
            summary="Change my name",
            body=shapes.RenameSchema(),
            example={"name": "Ada"},
            **common,
        ),
        Endpoint(
            method="GET",
            path="/v1/users/me/quotas",
            handler=me.on_get_quotas,
            permission="profile:read",
            summary="What I keep, and how much I may",
            answer=shapes.QuotasSchema(),
            tag="Users",
        ),
        Endpoint(
            method="DELETE",
            handler=me.on_delete,
            permission=ANY_PRINCIPAL,
            summary="Delete my account",
            description="Access ends at once, keys and logins with it. For 14 days an administrator"
            " can bring the account back; then everything in it is purged. With `erase` the purge"
            " begins now, and there is no way back. Wants the password, or a"
            " second factor shown in the last 15 minutes where there is one.",
            body=shapes.LeaveSchema(),
            answer=shapes.LeavingSchema(),
            status=202,
            errors=(Forbidden, StepUpRequired, Conflict, AccountLocked),
            example={"password": "a long sentence"},
            **whole,
        ),
    )


def _api_keys(parts: Parts) -> tuple[Endpoint, ...]:
    keys = ApiKeys(parts.clock, brand=parts.settings.key_brand)
    return (
        Endpoint(
            method="POST",
            path="/v1/api-keys",
            handler=keys.on_post,
            permission="keys:write",
            summary="Make an API key",
            description="The key itself is shown only in this answer. Made with an API key it ends"
            " no later than that one, is for no other place, and may send no more a minute.",
            tag="API keys",
            body=shapes.KeyWishSchema(),
            answer=shapes.NewApiKeySchema(),
            status=201,
            errors=(InsufficientPermissions, Conflict),
            creates=True,
            example={"name": "my laptop", "mode": "live"},
            shows=UNUSED,
        ),
        Endpoint(
            method="POST",
            path="/v1/api-keys/{key_id}/rotate",
            handler=keys.on_post_rotate,
            permission="keys:write",
            summary="Replace an API key",
            description="The new key may do what the old one may; the old one goes on for"
            " `overlapSeconds`, a day unless said otherwise, and then ends.",
            tag="API keys",
            body=shapes.RotationSchema(),
            answer=shapes.NewApiKeySchema(),
            status=201,
            errors=(NotFound, InsufficientPermissions),
            creates=True,
            example={"overlapSeconds": 3600},
            shows=UNUSED,
        ),
        Endpoint(
            method="GET",
            path="/v1/api-keys",
            handler=keys.on_get,
            permission="keys:read",
            summary="List my API keys",
            tag="API keys",
            query=shapes.ApiKeyQuery(),
            answer=page_of(shapes.ApiKeySchema),
        ),
        Endpoint(
            method="GET",
            path="/v1/api-keys/{key_id}/usage",
            handler=keys.on_get_usage,
            permission="keys:read",
            summary="How much an API key is used",
            description="Counts come in every ten seconds; days are in UTC.",
            tag="API keys",
            query=shapes.KeyUsageQuery(),
            answer=shapes.KeyUsageSchema(),
            errors=(NotFound,),
        ),
        Endpoint(
            method="DELETE",
            path="/v1/api-keys/{key_id}",
            handler=keys.on_delete,
            permission="keys:write",
            summary="Revoke an API key",
            tag="API keys",
            status=204,
            errors=(NotFound,),
        ),
    )
