"""TOTP: six digits that an app and we make of a shared secret and the time (RFC 6238).

SHA-1 and steps of 30 seconds, since that is what every app can do. A code of the step before and of
the one after counts too, for clocks that are a little off.
"""

import hmac
import secrets
from base64 import b32encode
from typing import Final
from urllib.parse import quote, urlencode

ISSUER: Final = "Ilm"
SECRET_BYTES: Final = 20
STEP_SECONDS: Final = 30
DIGITS: Final = 6

_STEPS_OFF: Final = (0, -1, 1)
_LOW_31_BITS: Final = 0x7FFFFFFF


def new_secret() -> bytes:
    """Return a secret of 160 bits, as RFC 4226 recommends."""
    return secrets.token_bytes(SECRET_BYTES)


def code_at(secret: bytes, step: int, *, digits: int = DIGITS, digest: str = "sha1") -> str:
    """Return the code of a step: RFC 4226's HOTP of the steps since 1970."""
    mac = hmac.digest(secret, step.to_bytes(8), digest)
    at = mac[-1] & 0x0F
    number = int.from_bytes(mac[at : at + 4]) & _LOW_31_BITS
    return str(number % 10**digits).zfill(digits)


def step_of(secret: bytes, code: str, seconds: float) -> int | None:
    """Return the step of which this is the code, around a moment; None when it is of none."""
    now = int(seconds) // STEP_SECONDS
    return next((now + off for off in _STEPS_OFF if _fits(secret, now + off, code)), None)


def _fits(secret: bytes, step: int, code: str) -> bool:
    given = code.encode("utf-8", "surrogatepass")
    return hmac.compare_digest(code_at(secret, step).encode(), given)


def base32(secret: bytes) -> str:
    """Write a secret as authenticator apps read it."""
    return b32encode(secret).decode().rstrip("=")


def uri_of(secret: bytes, email: str) -> str:
    """Return the `otpauth://` address an authenticator app reads from a QR code."""
    label = quote(f"{ISSUER}:{email}", safe="")
    query = urlencode({"secret": base32(secret), "issuer": ISSUER, "digits": DIGITS})
    return f"otpauth://totp/{label}?{query}"
