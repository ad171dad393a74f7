"""The routes of logging in and out, of the logins that are open, and of a forgotten password."""

from typing import Any

from api.cookies import Cookies
from api.endpoints import ANY_PRINCIPAL, PUBLIC, Endpoint
from api.parts import Parts
from api.resources.letters import LetterPages
from api.resources.logins import Desk, LoggingIn, LoggingOut, Refreshing, Sessions
from api.resources.recovery import Proving
from api.schemas import logins as shapes
from api.schemas.accounts import UserSchema
from api.schemas.lists import page_of
from api.schemas.wire import Nothing
from jobs.logins import Logins
from jobs.mail import Mailroom
from jobs.proofs import Proofs
from jobs.recovery import Recovery
from models.kernel.denials import AccountDeleted, AccountLocked, EmailNotVerified, MfaRequired
from models.kernel.errors import Forbidden, NotFound, TokenExpired, Unauthorized
from models.kernel.secrets import open_secrets

TAG = "Authentication"
HTML = "text/html"


def desk_of(parts: Parts) -> Desk:
    """Return what logs people in, made of the parts of a web process."""
    secrets, settings = open_secrets(parts.settings), parts.settings
    return Desk(
        logins=Logins(parts.tokens, secrets, Mailroom(parts.queue), settings, parts.clock),
        tokens=parts.tokens,
        cookies=Cookies(secrets, settings),
        proxies=settings.proxies,
        clock=parts.clock,
    )


def login_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints of logins."""
    desk = desk_of(parts)
    return (*_tokens(desk), *_sessions(desk), *_recovery(parts), *_pages())


def _tokens(desk: Desk) -> tuple[Endpoint, ...]:
    common: dict[str, Any] = {"method": "POST", "tag": TAG}
    return (
        Endpoint(
            path="/v1/auth/login",
            handler=LoggingIn(desk).on_post,
            permission=PUBLIC,
            summary="Log in",
            description="The access token is good for 15 minutes. Five wrong passwords lock the"
            " account for 15 minutes to all but devices that logged in before. With a second"
            " factor the answer is `MFA_REQUIRED`, with an `mfaToken`.",
            body=shapes.LoginSchema(),
            answer=shapes.TokenSchema(),
            errors=(Unauthorized, MfaRequired, AccountLocked, EmailNotVerified, AccountDeleted),
            example={"email": "reader@example.org", "password": "a long sentence"},
            **common,
        ),
        Endpoint(
            path="/v1/auth/refresh",
            handler=Refreshing(desk).on_post,
            permission=PUBLIC,
            summary="Get fresh tokens",
            description="The refresh token is replaced at each use. Used again within ten seconds"
            " it gives the same new one; later the login ends, since it was stolen.",
            body=shapes.RefreshSchema(),
            answer=shapes.TokenSchema(),
            errors=(Unauthorized, TokenExpired, Forbidden),
            example={"refresh_token": "ilr_…"},
            **common,
        ),
        Endpoint(
            path="/v1/auth/logout",
            handler=LoggingOut(desk).on_post,
            permission=ANY_PRINCIPAL,
            summary="Log out",
            description="The login ends at once, its access tokens too.",
            status=204,
            errors=(Forbidden, NotFound),
            **common,
        ),
    )


def _sessions(desk: Desk) -> tuple[Endpoint, ...]:
    sessions = Sessions(desk)
    common: dict[str, Any] = {"permission": ANY_PRINCIPAL, "tag": TAG}
    return (
        Endpoint(
            method="GET",
            path="/v1/auth/sessions",
            handler=sessions.on_get,
            summary="List my logins",
            query=shapes.LoginSessionQuery(),
            answer=page_of(shapes.LoginSessionSchema),
            errors=(Forbidden,),
            **common,
        ),
        Endpoint(
            method="DELETE",
            path="/v1/auth/sessions/{session_id}",
            handler=sessions.on_delete,
            summary="End one of my logins",
            status=204,
            errors=(Forbidden, NotFound),
            names={"session_id": "sess"},
            **common,
        ),
    )


def _recovery(parts: Parts) -> tuple[Endpoint, ...]:
    proofs = Proofs(open_secrets(parts.settings), parts.clock)
    recovery = Recovery(proofs, Mailroom(parts.queue), parts.clock)
    proving = Proving(recovery, parts.links, parts.settings.proxies)
    common: dict[str, Any] = {"method": "POST", "permission": PUBLIC, "tag": TAG}
    return (
        Endpoint(
            path="/v1/auth/verify-email",
            handler=proving.on_post_verify,
            summary="Verify my address",
            description="The token of the mail is good for 24 hours, once.",
            body=shapes.ProofSchema(),
            answer=UserSchema(),
            example={"token": "…"},
            **common,
        ),
        Endpoint(
            path="/v1/auth/verify-email/resend",
            handler=proving.on_post_resend,
            summary="Send the letter that verifies my address again",
            description="The answer is the same for an address nobody has, or that is verified."
            " At most five letters go to an address in 15 minutes.",
            body=shapes.AddressSchema(),
            answer=Nothing(),
            status=202,
            example={"email": "reader@example.org"},
            **common,
        ),
        Endpoint(
            path="/v1/auth/password/forgot",
            handler=proving.on_post_forgot,
            summary="Forget my password",
            description="The answer is the same for an address nobody has.",
            body=shapes.AddressSchema(),
            answer=Nothing(),
            status=202,
            example={"email": "reader@example.org"},
            **common,
        ),
        Endpoint(
            path="/v1/auth/password/reset",
            handler=proving.on_post_reset,
            summary="Choose a new password",
            description="The token of the mail is good for an hour, once. Every login ends.",
            body=shapes.ResetSchema(),
            status=204,
            example={"token": "…", "password": "another long sentence"},
            **common,
        ),
    )


def _pages() -> tuple[Endpoint, ...]:
    pages = LetterPages()
    common: dict[str, Any] = {
        "method": "GET",
        "permission": PUBLIC,
        "tag": TAG,
        "media_type": HTML,
        "description": "Where the link of the letter leads. The token is in its fragment, and the"
        " page sends it on when the person says so.",
    }
    return (
        Endpoint(
            path="/verify-email",
            handler=pages.on_get_verify,
            summary="A page to verify an address",
            **common,
        ),
        Endpoint(
            path="/reset-password",
            handler=pages.on_get_reset,
            summary="A page to choose a new password",
            **common,
        ),
    )
