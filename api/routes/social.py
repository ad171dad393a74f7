"""The routes of signing in elsewhere."""

from typing import Any

from api.endpoints import LOGGED_IN, PUBLIC, Endpoint
from api.parts import Parts
from api.resources.social import PATH, Identities, Providers
from api.routes.logins import TAG, desk_of
from api.schemas import social as shapes
from api.schemas.lists import page_of
from api.schemas.logins import TokenSchema
from jobs.social.offered import providers_of
from jobs.social.signing_in import SocialLogins
from models.kernel.denials import AccountDeleted, MfaRequired
from models.kernel.errors import Conflict, Forbidden, NotFound, Unauthorized
from models.kernel.secrets import open_secrets


def social_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints of providers and identities."""
    settings, desk = parts.settings, desk_of(parts)
    social = SocialLogins(
        providers_of(settings, parts.clock),
        desk.logins,
        open_secrets(settings),
        (settings.base_url, *settings.cors_origins),
        parts.clock,
    )
    providers = Providers(social, desk, is_https=settings.is_https)
    return (*_trip(providers), *_ends(providers), *_identities(Identities(desk)))


def _trip(providers: Providers) -> tuple[Endpoint, ...]:
    common: dict[str, Any] = {"method": "GET", "permission": PUBLIC, "tag": TAG}
    return (
        Endpoint(
            path=f"{PATH}/{{provider}}",
            handler=providers.on_get_begin,
            summary="Sign in at a provider",
            description="For a browser. It comes back to `return_to` with `login_code`, or with"
            " `error`. Keep the verifier of `code_challenge`: the code is worth nothing without.",
            query=shapes.BeginQuery(),
            status=302,
            errors=(NotFound,),
            is_shared=False,
            **common,
        ),
        Endpoint(
            path=f"{PATH}/{{provider}}/callback",
            handler=providers.on_get_callback,
            summary="Come back from a provider",
            description="Where a provider sends the browser; to be registered there.",
            query=shapes.CallbackQuery(),
            status=302,
            errors=(NotFound, Forbidden),
            is_shared=False,
            **common,
        ),
    )


def _ends(providers: Providers) -> tuple[Endpoint, ...]:
    common: dict[str, Any] = {"permission": PUBLIC, "tag": TAG}
    return (
        Endpoint(
            method="GET",
            path="/v1/auth/providers",
            handler=providers.on_get,
            summary="Where one may sign in",
            answer=shapes.ProvidersSchema(),
            **common,
        ),
        Endpoint(
            method="POST",
            path=f"{PATH}/token",
            handler=providers.on_post_token,
            summary="Log in with the code of a provider's sign-in",
            description="The code is good for a minute, once, and only with the verifier. With a"
            " second factor the answer is `MFA_REQUIRED`, with an `mfaToken`.",
            body=shapes.LoginCodeSchema(),
            answer=TokenSchema(),
            errors=(Unauthorized, MfaRequired, AccountDeleted),
            example={"login_code": "…", "code_verifier": "x" * 43},
            **common,
        ),
    )


def _identities(identities: Identities) -> tuple[Endpoint, ...]:
    common: dict[str, Any] = {"permission": LOGGED_IN, "tag": TAG}
    return (
        Endpoint(
            method="GET",
            path="/v1/auth/identities",
            handler=identities.on_get,
            summary="Who I am elsewhere",
            query=shapes.IdentityQuery(),
            answer=page_of(shapes.IdentitySchema),
            **common,
        ),
        Endpoint(
            method="DELETE",
            path="/v1/auth/identities/{identity_id}",
            handler=identities.on_delete,
            summary="Unlink who I am elsewhere",
            description="Not the last way in: who has no password chooses one first.",
            status=204,
            errors=(NotFound, Conflict),
            **common,
        ),
    )
