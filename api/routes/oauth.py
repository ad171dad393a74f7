"""The routes of OAuth 2.0 and OpenID Connect: discovery, the pages, and what apps talk to."""

from typing import Any, Final

from api.cookies import Cookies
from api.endpoints import ANY_PRINCIPAL, HTML, PUBLIC, Endpoint
from api.forms import Forms
from api.parts import Parts
from api.problems import OAUTH, PAGE
from api.resources.oauth import Discovery, Till, TokenEndpoint, Users
from api.resources.oauth_pages import AUTHORIZE, Authorizing, Counter, LoginPage
from api.routes.factors import factors_of
from api.routes.logins import desk_of
from api.schemas import oauth_wire as shapes
from api.schemas.wire import Nothing
from jobs.oauth.authorizing import Authorizer
from jobs.oauth.granting import PURPOSE, Granting
from jobs.oauth.signing_in import SigningIn
from jobs.oauth.standing import Inspector
from models.kernel.denials import (
    AccountLocked,
    AppRefused,
    EmailNotVerified,
    InvalidClient,
    InvalidGrant,
    InvalidScope,
    UnauthorizedClient,
    UnsupportedGrantType,
)
from models.kernel.errors import Forbidden, InsufficientPermissions, TokenExpired, Unauthorized
from models.kernel.secrets import open_secrets

TAG: Final = "OAuth"
GRANT_REFUSALS: Final = (
    AppRefused, InvalidClient, InvalidGrant, InvalidScope, UnauthorizedClient,
    UnsupportedGrantType,
)  # fmt: skip


def oauth_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints of the protocol."""
    counter, till = _counter(parts), _till(parts)
    return (
        *_discovery(Discovery(parts.settings.base_url)),
        *_pages(counter),
        *_tokens(TokenEndpoint(till)),
        *_userinfo(Users()),
    )


def _counter(parts: Parts) -> Counter:
    secrets, settings, desk = open_secrets(parts.settings), parts.settings, desk_of(parts)
    return Counter(
        authorizer=Authorizer(settings.base_url, settings.session_idle, parts.clock),
        signing_in=SigningIn(desk.logins, factors_of(parts), parts.tokens),
        cookies=Cookies(secrets, settings),
        forms=Forms(secrets, settings),
        proxies=settings.proxies,
    )


def _till(parts: Parts) -> Till:
    secrets, settings = open_secrets(parts.settings), parts.settings
    return Till(
        granting=Granting(parts.tokens, secrets, settings.session_days, parts.clock),
        inspector=Inspector(parts.tokens, secrets.derive(PURPOSE), parts.clock),
        proxies=settings.proxies,
        clock=parts.clock,
    )


def _discovery(discovery: Discovery) -> tuple[Endpoint, ...]:
    common: dict[str, Any] = {
        "method": "GET",
        "handler": discovery.on_get,
        "permission": PUBLIC,
        "answer": shapes.DiscoverySchema(),
        "shows": discovery.told,
        "tag": TAG,
    }
    return (
        Endpoint(
            path="/.well-known/openid-configuration",
            summary="What OpenID Connect there is",
            **common,
        ),
        Endpoint(
            path="/.well-known/oauth-authorization-server",
            summary="What OAuth there is",
            description="The same, where RFC 8414 looks for it.",
            **common,
        ),
    )


def _pages(counter: Counter) -> tuple[Endpoint, ...]:
    authorizing = Authorizing(counter)
    common: dict[str, Any] = {
        "permission": PUBLIC, "tag": TAG, "wire": PAGE, "media_type": HTML,
    }  # fmt: skip
    return (
        Endpoint(
            method="GET",
            path=AUTHORIZE,
            handler=authorizing.on_get,
            summary="Ask a person for their consent",
            description="A page for the person's browser: a login, the consent, or at once the way"
            " back (303) with `code`, `state` and `iss`. PKCE with S256 is wanted of every app."
            " While app or redirect URI are in doubt nobody is sent anywhere.",
            query=shapes.AuthorizationQuery(),
            errors=(AppRefused,),
            also=(303,),
            is_shared=False,
            **common,
        ),
        Endpoint(
            method="POST",
            path=AUTHORIZE,
            handler=authorizing.on_post,
            summary="Consent, or do not",
            description="The form of that page; it wants the page's token and the browser's login."
            " The answer is the way back (303).",
            urlencoded=shapes.ConsentForm(),
            errors=(AppRefused, Forbidden),
            also=(303,),
            **common,
        ),
        Endpoint(
            method="POST",
            path="/oauth/login",
            handler=LoginPage(counter).on_post,
            summary="Log in on the way to an app",
            description="The form of that page. With a second factor the answer is a page that"
            " takes a code, else the way to go on (303).",
            urlencoded=shapes.LoginForm(),
            errors=(
                AppRefused, Forbidden, Unauthorized, TokenExpired, AccountLocked, EmailNotVerified
            ),
            also=(303,),
            **common,
        ),
    )  # fmt: skip


def _tokens(tokens: TokenEndpoint) -> tuple[Endpoint, ...]:
    common: dict[str, Any] = {
        "method": "POST", "permission": PUBLIC, "tag": TAG, "wire": OAUTH,
    }  # fmt: skip
    return (
        Endpoint(
            path="/oauth/token",
            handler=tokens.on_post,
            summary="Get tokens as an app",
            description="`grant_type` is `authorization_code`, `refresh_token` or"
            " `client_credentials`. The app shows its secret by HTTP Basic or in the form; one"
            " without a secret sends `client_id`.",
            urlencoded=shapes.TokenForm(),
            answer=shapes.TokenAnswer(),
            errors=GRANT_REFUSALS,
            example={
                "grant_type": "authorization_code",
                "code": "ilc_…",
                "redirect_uri": "https://app.example/back",
                "code_verifier": "what-the-app-keeps-for-itself-while-the-person-consents",
            },
            **common,
        ),
        Endpoint(
            path="/oauth/revoke",
            handler=tokens.on_post_revoke,
            summary="End a token",
            description="RFC 7009. Ends every token of the same authorization; what is no token of"
            " the app is answered the same.",
            urlencoded=shapes.OneTokenForm(),
            answer=Nothing(),
            errors=(AppRefused, InvalidClient),
            example={"token": "ilo_…"},
            **common,
        ),
        Endpoint(
            path="/oauth/introspect",
            handler=tokens.on_post_introspect,
            summary="Look at a token",
            description="RFC 7662, for apps with a secret and their own tokens.",
            urlencoded=shapes.OneTokenForm(),
            answer=shapes.IntrospectionAnswer(),
            errors=(AppRefused, InvalidClient),
            example={"token": "eyJ…"},
            **common,
        ),
    )


def _userinfo(users: Users) -> tuple[Endpoint, ...]:
    common: dict[str, Any] = {
        "path": "/oauth/userinfo",
        "handler": users.on_get,
        "permission": ANY_PRINCIPAL,
        "answer": shapes.UserInfo(),
        "errors": (InsufficientPermissions,),
        "tag": TAG,
    }
    told = "Wants an app's access token with the scope `openid`."
    return (
        Endpoint(method="GET", summary="Who somebody is", description=told, **common),
        Endpoint(method="POST", summary="Who somebody is, posted", description=told, **common),
    )
