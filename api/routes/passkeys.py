"""The routes of passkeys."""

from typing import Any, Final

from api.endpoints import ANY_PRINCIPAL, PUBLIC, Endpoint
from api.resources.passkeys import MyPasskeys
from api.routes.logins import TAG
from api.schemas import passkeys as shapes
from api.schemas.lists import page_of
from api.schemas.logins import TokenSchema
from models.kernel.denials import AccountDeleted, EmailNotVerified, StepUpRequired
from models.kernel.errors import Conflict, DuplicateResource, Forbidden, NotFound, Unauthorized

LARGEST: Final = 64 * 1024
CREDENTIAL: Final[dict[str, Any]] = {
    "id": "AbCd…",
    "rawId": "AbCd…",
    "type": "public-key",
    "response": {"clientDataJSON": "eyJ0…", "attestationObject": "o2Nm…"},
}
ASSERTION: Final[dict[str, Any]] = {
    **CREDENTIAL,
    "response": {"clientDataJSON": "eyJ0…", "authenticatorData": "SZYN…", "signature": "MEUC…"},
}


def passkey_routes(passkeys: MyPasskeys) -> tuple[Endpoint, ...]:
    """Return the endpoints of passkeys."""
    return (*_enrolment(passkeys), *_held(passkeys), *_login(passkeys))


def _enrolment(passkeys: MyPasskeys) -> tuple[Endpoint, ...]:
    common: dict[str, Any] = {"method": "POST", "permission": ANY_PRINCIPAL, "tag": TAG}
    return (
        Endpoint(
            path="/v1/auth/passkeys/options",
            handler=passkeys.on_post_options,
            summary="What a new passkey is made with",
            description="For `navigator.credentials.create()`; good for five minutes, once, in this"
            " login. Wants a second factor shown in the last 15 minutes, or, of who has none, a"
            " login of the last 15.",
            answer=shapes.CreationOptionsSchema(),
            errors=(Forbidden, StepUpRequired, Conflict),
            **common,
        ),
        Endpoint(
            path="/v1/auth/passkeys",
            handler=passkeys.on_post,
            summary="Set up a passkey",
            description="From then on a password alone does not log in. The first factor brings ten"
            " recovery codes.",
            body=shapes.NewPasskeySchema(),
            body_limit=LARGEST,
            answer=shapes.EnrolledPasskeySchema(),
            status=201,
            errors=(Forbidden, StepUpRequired, DuplicateResource),
            example={"name": "my phone", "credential": CREDENTIAL},
            shows={"lastUsedAt": None},
            **common,
        ),
    )


def _held(passkeys: MyPasskeys) -> tuple[Endpoint, ...]:
    common: dict[str, Any] = {"permission": ANY_PRINCIPAL, "tag": TAG}
    one: dict[str, Any] = {"path": "/v1/auth/passkeys/{passkey_id}", **common}
    return (
        Endpoint(
            method="GET",
            path="/v1/auth/passkeys",
            handler=passkeys.on_get,
            summary="List my passkeys",
            query=shapes.PasskeyQuery(),
            answer=page_of(shapes.PasskeySchema),
            errors=(Forbidden,),
            **common,
        ),
        Endpoint(
            method="PATCH",
            handler=passkeys.on_patch,
            summary="Rename a passkey",
            body=shapes.PasskeyNameSchema(),
            answer=shapes.PasskeySchema(),
            errors=(Forbidden, NotFound),
            example={"name": "my old phone"},
            **one,
        ),
        Endpoint(
            method="DELETE",
            handler=passkeys.on_delete,
            summary="Take a passkey away",
            description="Wants a second factor shown in the last 15 minutes.",
            status=204,
            errors=(Forbidden, StepUpRequired, NotFound),
            **one,
        ),
    )


def _login(passkeys: MyPasskeys) -> tuple[Endpoint, ...]:
    common: dict[str, Any] = {"method": "POST", "permission": PUBLIC, "tag": TAG}
    return (
        Endpoint(
            path="/v1/auth/passkeys/login/options",
            handler=passkeys.on_post_login_options,
            summary="What a passkey has to sign to log in",
            description="For `navigator.credentials.get()`; it names nobody. Good for five minutes,"
            " once.",
            answer=shapes.RequestOptionsSchema(),
            **common,
        ),
        Endpoint(
            path="/v1/auth/passkeys/login",
            handler=passkeys.on_post_login,
            summary="Log in with a passkey",
            description="Without an address and a password. The authenticator has verified its"
            " user: it counts as both factors, and the login may administer for 15 minutes.",
            body=shapes.PasskeyLoginSchema(),
            body_limit=LARGEST,
            answer=TokenSchema(),
            errors=(Unauthorized, EmailNotVerified, AccountDeleted),
            example={"credential": ASSERTION},
            **common,
        ),
    )
