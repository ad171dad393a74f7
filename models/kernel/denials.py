"""Denials: why somebody is not logged in, or not let through, though they are known.

Unauthorized
└── MfaRequired        the password fits; a second factor is wanted too
Forbidden
├── StepUpRequired     a second factor has to be shown again
├── EmailNotVerified   nobody has shown that the address is theirs
└── AccountDeleted     they have left, and could still be brought back
Refused
├── UpgradeRequired    what is there is spoken over a WebSocket alone
├── AccountLocked      too many wrong guesses
├── PaymentRequired    their means or limits do not cover it
└── AppRefused         an app, or what it asks for, does not hold (RFC 6749 §5.2)
    ├── InvalidClient, InvalidGrant, InvalidScope
    └── UnauthorizedClient, UnsupportedGrantType
"""

from datetime import datetime
from typing import ClassVar, Self

from models.kernel.errors import Forbidden, Refused, Unauthorized


class MfaRequired(Unauthorized):
    """The password fits; `mfaToken` and a code of the second factor end the login."""

    code: ClassVar[str] = "MFA_REQUIRED"
    mfa_token: str = ""

    @classmethod
    def with_token(cls, mfa_token: str) -> Self:
        """Return the refusal with what ends the login together with a code."""
        made = cls()
        made.mfa_token = mfa_token
        return made


class UpgradeRequired(Refused):
    """This path is a WebSocket's; a plain request is told so (RFC 9110 §15.5.22)."""

    code: ClassVar[str] = "UPGRADE_REQUIRED"


class AccountLocked(Refused):
    """Too many wrong guesses at a password or a code; `retry_after` is when they are forgotten."""

    code: ClassVar[str] = "ACCOUNT_LOCKED"


class PaymentRequired(Refused):
    """Means or limits do not cover what this may cost; `resets_at` is when they are new again.

    `short` says what does not suffice: credits, cost, tokens or a budget.
    """

    code: ClassVar[str] = "PAYMENT_REQUIRED"
    resets_at: datetime | None = None
    short: str = ""

    @classmethod
    def until(cls, resets_at: datetime, words: str, short: str) -> Self:
        """Return the refusal with what is short, and the moment from which it is there again."""
        made = cls(words)
        made.resets_at, made.short = resets_at, short
        return made


class StepUpRequired(Forbidden):
    """Administering wants a second factor that was shown a short while ago."""

    code: ClassVar[str] = "STEP_UP_REQUIRED"


class EmailNotVerified(Forbidden):
    """The password fits, but nobody has shown that the e-mail address is theirs."""

    code: ClassVar[str] = "EMAIL_NOT_VERIFIED"


class AccountDeleted(Forbidden):
    """The password fits, but the account is deleted; until its purge it can be brought back."""

    code: ClassVar[str] = "ACCOUNT_DELETED"


class AppRefused(Refused):
    """An OAuth app asks wrongly; the family of RFC 6749 §5.2, whose codes its children bear."""

    code: ClassVar[str] = "invalid_request"


class InvalidClient(AppRefused):
    """No app has this id, or it has not shown its secret."""

    code: ClassVar[str] = "invalid_client"


class InvalidGrant(AppRefused):
    """A code or a refresh token does not hold: wrong, used, over, or another app's."""

    code: ClassVar[str] = "invalid_grant"


class InvalidScope(AppRefused):
    """A scope is not known, or is more than was granted."""

    code: ClassVar[str] = "invalid_scope"


class UnauthorizedClient(AppRefused):
    """This app may not use this grant."""

    code: ClassVar[str] = "unauthorized_client"


class UnsupportedGrantType(AppRefused):
    """Nobody here knows this grant."""

    code: ClassVar[str] = "unsupported_grant_type"
