"""Exchanging a code for tokens at a provider (RFC 6749 §4.1.3, RFC 7636)."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from models.kernel.errors import Unauthorized, Unavailable
from models.kernel.http import Egress

SECONDS: Final = 5.0

_REFUSED: Final = (400, 401, 403)
_OK: Final = 200


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a verifier."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")


def exchanged(
    egress: Egress, url: str, form: Mapping[str, str], headers: Mapping[str, str]
) -> Mapping[str, Any]:
    """Return what a token endpoint answers; raise `Unauthorized` for a code it does not take."""
    accepting = {"Accept": "application/json", **headers}
    answered = egress.send("POST", url, seconds=SECONDS, data=dict(form), headers=accepting)
    if answered.status in _REFUSED:
        raise Unauthorized
    said = _object(answered.body) if answered.status == _OK else None
    if not isinstance(said, dict):
        raise Unavailable(f"the provider answers {answered.status}")
    return said


def asked(egress: Egress, url: str, token: str) -> Any:
    """Return what an API answers to who has this token; raise `Unavailable`."""
    headers = {"Accept": "application/json", "Authorization": f"Bearer {token}"}
    answered = egress.send("GET", url, seconds=SECONDS, headers=headers)
    if answered.status != _OK:
        raise Unavailable(f"the provider answers {answered.status}")
    return _object(answered.body)


def _object(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unavailable("the provider does not answer with JSON") from error
