"""Second factors of whoever calls, and the codes that end a login or step one up."""

from collections.abc import Mapping
from typing import Any

from falcon.asgi import Request, Response

from api.endpoints import ANY_PRINCIPAL
from api.origins import origin_of
from api.principals import STEPPED_UP_FOR, Doorkeeper
from api.resources.logins import Desk
from jobs import totp
from jobs.attempts import Origin
from jobs.factors import Bearer, Factors
from jobs.passkeys import Passkeys
from models.accounts import Person
from models.factors import EMAIL, TOTP, Factor, RecoveryCode


class MyFactors:
    """The second factors of whoever is logged in."""

    def __init__(self, factors: Factors, desk: Desk) -> None:
        """Take what checks factors, and what knows where a request comes from."""
        self._factors = factors
        self._desk = desk

    def on_get(self, req: Request, resp: Response) -> None:
        """List those that are confirmed."""
        person_id = bearer_of(req).person_id
        resp.media = {
            "factors": [factor.kind for factor in Factor.enrolled_by(person_id)],
            "recoveryCodesLeft": RecoveryCode.left_to(person_id),
        }

    def on_post_totp(self, req: Request, resp: Response) -> None:
        """Show the secret for an authenticator app."""
        bearer = bearer_of(req)
        secret = self._factors.enrol_totp(bearer)
        email = Person.get_by_id(bearer.person_id).email
        resp.media = {"secret": totp.base32(secret), "uri": totp.uri_of(secret, email)}

    def on_post_totp_confirm(self, req: Request, resp: Response) -> None:
        """Let the app count from now on."""
        self._confirm(TOTP, req, resp)

    def on_delete_totp(self, req: Request, _resp: Response) -> None:
        """Remove the app."""
        self._factors.remove(TOTP, bearer_of(req))

    def on_post_email(self, req: Request, _resp: Response) -> None:
        """Send a code to the person's own address."""
        self._factors.enrol_email(bearer_of(req))

    def on_post_email_confirm(self, req: Request, resp: Response) -> None:
        """Let codes by mail count from now on."""
        self._confirm(EMAIL, req, resp)

    def on_delete_email(self, req: Request, _resp: Response) -> None:
        """Send no more codes by mail."""
        self._factors.remove(EMAIL, bearer_of(req))

    def on_post_recovery_codes(self, req: Request, resp: Response) -> None:
        """Make ten new recovery codes."""
        resp.media = {"recoveryCodes": self._factors.recovery_codes(bearer_of(req))}

    def _confirm(self, kind: str, req: Request, resp: Response) -> None:
        code, origin = req.context.body["code"], origin_of(req, self._desk.proxies)
        resp.media = {"recoveryCodes": self._factors.confirm(kind, bearer_of(req), code, origin)}


class Codes:
    """Codes of a second factor, with a login that waits for one or with one that is open."""

    def __init__(
        self, factors: Factors, passkeys: Passkeys, desk: Desk, doorkeeper: Doorkeeper
    ) -> None:
        """Take what checks factors, what opens logins, and who tells who calls."""
        self._passkeys = passkeys
        self._factors = factors
        self._desk = desk
        self._doorkeeper = doorkeeper

    def on_post_verify(self, req: Request, resp: Response) -> None:
        """End the login of a pass; without one, step up the login that calls."""
        body, origin = req.context.body, origin_of(req, self._desk.proxies)
        if not body["mfa_token"]:
            req.context.principal = self._doorkeeper.admit(req, ANY_PRINCIPAL)
            self._show(bearer_of(req), body, origin)
            resp.media = {"stepped_up_seconds": int(STEPPED_UP_FOR.total_seconds())}
            return
        granted = self._desk.tokens.read_pass(body["mfa_token"])
        self._show(Bearer(granted.person_id), body, origin)
        opened = self._desk.logins.complete(granted, body["device_token"], origin)
        resp.media = self._desk.told(resp, opened)

    def _show(self, bearer: Bearer, body: Mapping[str, Any], origin: Origin) -> None:
        if body["assertion"]:
            self._passkeys.show(bearer, body["assertion"], origin)
        else:
            self._factors.show(bearer, body["code"], origin)

    def on_post_passkey_options(self, req: Request, resp: Response) -> None:
        """Answer what a passkey of who logs in, or of who calls, has to sign."""
        token = req.context.body["mfa_token"]
        if token:
            person_id = self._desk.tokens.read_pass(token).person_id
        else:
            req.context.principal = self._doorkeeper.admit(req, ANY_PRINCIPAL)
            person_id = bearer_of(req).person_id
        resp.media = self._passkeys.show_options(person_id)

    def on_post_send(self, req: Request, _resp: Response) -> None:
        """Send a code by mail to who waits for one to log in."""
        granted = self._desk.tokens.read_pass(req.context.body["mfa_token"])
        self._factors.send_code(granted.person_id)


def bearer_of(req: Request) -> Bearer:
    """Return the login that calls; raise `Forbidden` for an API key."""
    principal = req.context.principal
    return Bearer(
        principal.user_id,
        principal.login_id,
        is_stepped_up=principal.is_stepped_up,
        request_id=req.context.request_id,
    )
