"""Signing in on the way to an app: by password, then by a second factor where there is one."""

from dataclasses import dataclass

from jobs.attempts import Origin
from jobs.factors import Bearer, Factors
from jobs.logins import Logins, LoginWish, Opened
from jobs.tokens import Tokens
from models.factors import EMAIL, Factor
from models.kernel.denials import MfaRequired


@dataclass(frozen=True, slots=True)
class CodeWanted:
    """The password fits: what ends the login together with a code, and of which factors."""

    mfa_token: str
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """What ends such a login: its pass, a code, and what shows that the browser is known."""

    mfa_token: str
    code: str
    device_token: str


class SigningIn:
    """Opens logins for who sits before one of our pages; they are listed and ended as others."""

    def __init__(self, logins: Logins, factors: Factors, tokens: Tokens) -> None:
        """Take what opens logins, what checks factors, and what reads passes."""
        self._logins = logins
        self._factors = factors
        self._tokens = tokens

    def by_password(self, wish: LoginWish, origin: Origin) -> Opened | CodeWanted:
        """Open a login, or say that a code is wanted, sent by mail if that is the only way.

        Raises what `Logins.login` does.
        """
        try:
            return self._logins.login(wish, origin)
        except MfaRequired as waiting:
            person_id = self._tokens.read_pass(waiting.mfa_token).person_id
            kinds = tuple(factor.kind for factor in Factor.enrolled_by(person_id))
            if kinds == (EMAIL,):
                self._factors.send_code(person_id)
            return CodeWanted(waiting.mfa_token, kinds)

    def by_code(self, shown: Shown, origin: Origin) -> Opened:
        """Open the login that waits for a code; raise what `Factors.show` does."""
        granted = self._tokens.read_pass(shown.mfa_token)
        self._factors.show(Bearer(granted.person_id), shown.code, origin)
        return self._logins.complete(granted, shown.device_token, origin)
