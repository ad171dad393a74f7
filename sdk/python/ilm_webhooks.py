"""Verify webhooks of Ilm: one file to copy, for Python 3.9 and later, without dependencies.

    from ilm_webhooks import VerificationError, verify

    try:
        event = verify(request.body, request.headers, "whsec_…")
    except VerificationError:
        return 401

Hand over the bytes of the body as they came: JSON that was parsed and written anew is other bytes.
A `whsec_…` secret verifies by HMAC, the webhook's `whpk_…` public key by Ed25519, for which
`cryptography` has to be installed. The format is that of https://www.standardwebhooks.com.
"""

import hmac
import json
import time
from base64 import b64decode
from collections.abc import Iterable, Mapping
from typing import Any, Final, Optional, Union

TOLERANCE: Final = 300
"""Seconds by which a delivery may be old, or our clocks apart."""
MARK: Final = "whsec_"
PUBLIC_KEY: Final = "whpk_"
OWN: Final = "X-ILM-Signature"

_ED25519_BYTES: Final = 32


class VerificationError(ValueError):
    """A delivery that is not to be believed: answer 401 and do nothing."""


def verify(
    body: Union[bytes, str],
    headers: Mapping[str, str],
    secret: Union[str, Iterable[str]],
    tolerance: float = TOLERANCE,
    *,
    now: Optional[float] = None,
    own_header: str = OWN,
) -> Any:
    """Return what a delivery says, parsed, if it is signed by any of these secrets, and fresh.

    `secret` is one `whsec_…` or `whpk_…`, or several while they are exchanged. The headers of
    Standard Webhooks are looked at, by names in any case, and ours if those are not there.
    `tolerance` is in seconds, `now` a Unix time in place of the clock's.

    Raises `VerificationError`; `ValueError` for a secret that is none.
    """
    raw = body.encode() if isinstance(body, str) else bytes(body)
    named = {str(name).lower(): str(value) for name, value in headers.items()}
    keys = [secret] if isinstance(secret, str) else list(secret)
    if "webhook-signature" in named:
        moment, is_signed = _standard(raw, named, keys)
    elif own_header.lower() in named:
        moment, is_signed = _own(raw, named[own_header.lower()], keys)
    else:
        raise VerificationError("there is no signature")
    if not is_signed:
        raise VerificationError("no signature fits")
    if abs((time.time() if now is None else now) - moment) > tolerance:
        raise VerificationError("the delivery is too old, or of the future")
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise VerificationError("the body is not JSON") from error


def _standard(body: bytes, named: Mapping[str, str], keys: Iterable[str]) -> "tuple[int, bool]":
    message_id, timestamp = named.get("webhook-id", ""), named.get("webhook-timestamp", "")
    moment = _moment(timestamp)
    if not message_id:
        raise VerificationError("there is no webhook-id")
    content = b".".join((message_id.encode(), timestamp.encode(), body))
    given = [each.partition(",") for each in named["webhook-signature"].split()]
    is_signed = False
    for key in keys:
        for version, _, signature in given:
            is_signed |= _holds(key, version, _decoded(signature), content)
    return moment, is_signed


def _own(body: bytes, header: str, keys: Iterable[str]) -> "tuple[int, bool]":
    parts = [part.strip().partition("=") for part in header.split(",")]
    timestamp = next((value for name, _, value in parts if name == "t"), "")
    moment, content = _moment(timestamp), timestamp.encode() + b"." + body
    is_signed = False
    for key in keys:
        for name, _, value in parts:
            if name == "v1" and not key.startswith(PUBLIC_KEY):
                ours = hmac.digest(_secret(key), content, "sha256").hex()
                is_signed |= hmac.compare_digest(ours.encode(), value.encode())
    return moment, is_signed


def _holds(key: str, version: str, signature: bytes, content: bytes) -> bool:
    if key.startswith(PUBLIC_KEY):
        return version == "v1a" and _is_ed25519(key, signature, content)
    ours = hmac.digest(_secret(key), content, "sha256")
    return version == "v1" and hmac.compare_digest(ours, signature)


def _is_ed25519(key: str, signature: bytes, content: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    raw = _decoded(key[len(PUBLIC_KEY) :])
    if len(raw) != _ED25519_BYTES:
        raise ValueError("this is no whpk_ key")
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(signature, content)
    except InvalidSignature:
        return False
    return True


def _secret(key: str) -> bytes:
    raw = _decoded(key[len(MARK) :]) if key.startswith(MARK) else b""
    if not raw:
        raise ValueError("this is no whsec_ secret")
    return raw


def _moment(timestamp: str) -> int:
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
        raise VerificationError("the timestamp is no number of seconds")
    return int(timestamp)


def _decoded(text: str) -> bytes:
    """Return what base64 holds; nothing for what is none."""
    try:
        return b64decode(text, validate=True)
    except ValueError:
        return b""
