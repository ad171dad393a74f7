"""The routes of accounts: registering, logging in, oneself, and API keys."""

from typing import Any

from api.endpoints import PUBLIC, Endpoint
from api.parts import Parts
from api.resources.accounts import Logins, Me, Registrations, SigningKeys
from api.resources.api_keys import ApiKeys
from api.schemas import accounts as shapes
from api.schemas.lists import page_of
from models.kernel.errors import DuplicateResource, InsufficientPermissions, NotFound, Unauthorized


def account_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints of accounts."""
    return (*_authentication(parts), *_users(parts), *_api_keys(parts))


def _authentication(parts: Parts) -> tuple[Endpoint, ...]:
    common: dict[str, Any] = {"permission": PUBLIC, "tag": "Authentication"}
    return (
        Endpoint(
            method="POST",
            path="/v1/auth/register",
            handler=Registrations(parts.clock).on_post,
            summary="Register",
            description="A password has 8 to 256 characters, any of them.",
            body=shapes.RegisterSchema(),
            answer=shapes.UserSchema(),
            status=201,
            errors=(DuplicateResource,),
            example={"email": "reader@example.org", "password": "a long sentence", "name": "Ada"},
            **common,
        ),
        Endpoint(
            method="POST",
            path="/v1/auth/login",
            handler=Logins(parts.tokens, parts.clock).on_post,
            summary="Log in",
            description="The access token is good for 15 minutes.",
            body=shapes.LoginSchema(),
            answer=shapes.TokenSchema(),
            errors=(Unauthorized,),
            example={"email": "reader@example.org", "password": "a long sentence"},
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
    me = Me(parts.clock)
    common: dict[str, Any] = {
        "path": "/v1/users/me",
        "answer": shapes.UserSchema(),
        "tag": "Users",
    }
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
    )


def _api_keys(parts: Parts) -> tuple[Endpoint, ...]:
    keys = ApiKeys(parts.clock)
    return (
        Endpoint(
            method="POST",
            path="/v1/api-keys",
            handler=keys.on_post,
            permission="keys:write",
            summary="Make an API key",
            description="The key itself is shown only in this answer.",
            tag="API keys",
            body=shapes.KeyWishSchema(),
            answer=shapes.NewApiKeySchema(),
            status=201,
            errors=(InsufficientPermissions,),
            creates=True,
            example={"name": "my laptop", "mode": "live"},
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
