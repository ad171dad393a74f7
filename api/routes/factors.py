"""The routes of second factors."""

from typing import Any

from api.endpoints import ANY_PRINCIPAL, PUBLIC, Endpoint
from api.parts import Parts
from api.resources.factors import Codes, MyFactors
from api.resources.passkeys import MyPasskeys
from api.routes.logins import TAG, desk_of
from api.routes.passkeys import passkey_routes
from api.schemas import logins as shapes
from api.schemas.passkeys import RequestOptionsSchema
from api.schemas.wire import Nothing
from jobs.ceremonies import Ceremonies
from jobs.challenges import Challenges
from jobs.factors import Factors
from jobs.mail import Mailroom
from jobs.passkeys import Passkeys
from jobs.proofs import Proofs
from models.kernel.denials import AccountLocked, StepUpRequired
from models.kernel.errors import (
    Conflict,
    Forbidden,
    NotFound,
    RateLimitExceeded,
    TokenExpired,
    Unauthorized,
)
from models.kernel.secrets import open_secrets


def factors_of(parts: Parts) -> Factors:
    """Return what checks second factors, made of the parts of a web process."""
    secrets = open_secrets(parts.settings)
    proofs = Proofs(secrets, parts.clock)
    return Factors(secrets, proofs, Mailroom(parts.queue), parts.clock)


def factor_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints of second factors."""
    desk, factors = desk_of(parts), factors_of(parts)
    passkeys = Passkeys(
        Ceremonies(parts.settings.base_url),
        Challenges(open_secrets(parts.settings), parts.clock),
        factors,
        parts.clock,
    )
    mine = MyFactors(factors, desk)
    return (
        *_codes(Codes(factors, passkeys, desk, parts.doorkeeper)),
        *passkey_routes(MyPasskeys(passkeys, desk)),
        *_app(mine),
        *_mail(mine),
        *_rest(mine),
    )


def _codes(codes: Codes) -> tuple[Endpoint, ...]:
    common: dict[str, Any] = {"method": "POST", "permission": PUBLIC, "tag": TAG}
    return (
        Endpoint(
            path="/v1/auth/mfa/verify",
            handler=codes.on_post_verify,
            summary="Show my second factor",
            description="With `mfa_token` this ends a login and answers its tokens. With an access"
            " token it lets that login administer for 15 minutes. Five wrong codes lock the factor"
            " for 15 minutes.",
            body=shapes.VerifySchema(),
            answer=shapes.SteppedUpSchema(),
            errors=(Unauthorized, TokenExpired, Forbidden, NotFound, AccountLocked),
            example={"mfa_token": "eyJ…", "code": "123456"},
            **common,
        ),
        Endpoint(
            path="/v1/auth/mfa/passkey/options",
            handler=codes.on_post_passkey_options,
            summary="What my passkey has to sign",
            description="With `mfa_token` for the login that waits, else for the one that calls."
            " The answer goes into `navigator.credentials.get()`, and what that gives as"
            " `assertion` to `/v1/auth/mfa/verify`, within five minutes, once.",
            body=shapes.SomePassSchema(),
            answer=RequestOptionsSchema(),
            errors=(Unauthorized, TokenExpired, Forbidden),
            example={"mfa_token": "eyJ…"},
            **common,
        ),
        Endpoint(
            path="/v1/auth/mfa/email/send",
            handler=codes.on_post_send,
            summary="Send me a code by mail",
            description="For a login that waits for one, if codes by mail are set up.",
            body=shapes.PassSchema(),
            answer=Nothing(),
            status=202,
            errors=(Unauthorized, TokenExpired, NotFound, RateLimitExceeded),
            example={"mfa_token": "eyJ…"},
            **common,
        ),
    )


def _app(mine: MyFactors) -> tuple[Endpoint, ...]:
    common: dict[str, Any] = {"permission": ANY_PRINCIPAL, "tag": TAG}
    return (
        Endpoint(
            method="POST",
            path="/v1/auth/mfa/totp",
            handler=mine.on_post_totp,
            summary="Set up an authenticator app",
            description="It counts once a code of it has confirmed it.",
            answer=shapes.TotpSchema(),
            errors=(Forbidden, StepUpRequired, Conflict),
            **common,
        ),
        Endpoint(
            method="POST",
            path="/v1/auth/mfa/totp/confirm",
            handler=mine.on_post_totp_confirm,
            summary="Confirm my authenticator app",
            description="The first factor brings ten recovery codes.",
            body=shapes.CodeSchema(),
            answer=shapes.RecoveryCodesSchema(),
            errors=(Forbidden, StepUpRequired, NotFound, AccountLocked),
            example={"code": "123456"},
            **common,
        ),
        Endpoint(
            method="DELETE",
            path="/v1/auth/mfa/totp",
            handler=mine.on_delete_totp,
            summary="Remove my authenticator app",
            status=204,
            errors=(Forbidden, StepUpRequired, NotFound),
            **common,
        ),
    )


def _mail(mine: MyFactors) -> tuple[Endpoint, ...]:
    common: dict[str, Any] = {"permission": ANY_PRINCIPAL, "tag": TAG}
    return (
        Endpoint(
            method="POST",
            path="/v1/auth/mfa/email",
            handler=mine.on_post_email,
            summary="Send a code to my address",
            description="The first one, confirmed, sets codes by mail up; later ones step up.",
            answer=Nothing(),
            status=202,
            errors=(Forbidden, StepUpRequired, RateLimitExceeded),
            **common,
        ),
        Endpoint(
            method="POST",
            path="/v1/auth/mfa/email/confirm",
            handler=mine.on_post_email_confirm,
            summary="Confirm codes by mail",
            body=shapes.CodeSchema(),
            answer=shapes.RecoveryCodesSchema(),
            errors=(Forbidden, StepUpRequired, NotFound, AccountLocked),
            example={"code": "123456"},
            **common,
        ),
        Endpoint(
            method="DELETE",
            path="/v1/auth/mfa/email",
            handler=mine.on_delete_email,
            summary="Send no more codes by mail",
            status=204,
            errors=(Forbidden, StepUpRequired, NotFound),
            **common,
        ),
    )


def _rest(mine: MyFactors) -> tuple[Endpoint, ...]:
    common: dict[str, Any] = {"permission": ANY_PRINCIPAL, "tag": TAG}
    return (
        Endpoint(
            method="GET",
            path="/v1/auth/mfa",
            handler=mine.on_get,
            summary="My second factors",
            answer=shapes.FactorsSchema(),
            errors=(Forbidden,),
            **common,
        ),
        Endpoint(
            method="POST",
            path="/v1/auth/mfa/recovery-codes",
            handler=mine.on_post_recovery_codes,
            summary="Make new recovery codes",
            description="The old ones end. Wants a second factor shown in the last 15 minutes.",
            answer=shapes.RecoveryCodesSchema(),
            errors=(Forbidden, StepUpRequired),
            **common,
        ),
    )
