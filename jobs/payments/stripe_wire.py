"""Calls to Stripe's API: forms in, JSON out, its errors as ours."""

import json
from collections.abc import Mapping
from typing import Any, Final

from models.kernel.errors import (
    Unavailable,
    UpstreamError,
    UpstreamKeyRefused,
    UpstreamRateLimited,
    UpstreamRefused,
)
from models.kernel.http import Answered, Egress
from models.kernel.logs import get_logger
from models.kernel.unanswered import NotAllowed

VERSION: Final = "2024-06-20"
"""The version of Stripe's API that this is written for."""
SECONDS: Final = 10.0
MOST_BYTES: Final = 256 * 1_024

_OK: Final = 200
_KEY_REFUSED: Final = (401, 403)
_BUSY: Final = (409, 429)
_FAULT: Final = 500

log = get_logger(__name__)


class StripeWire:
    """Calls as whoever has this secret key.

    Every call raises `UpstreamRefused` with the code of Stripe's error when the same call would be
    refused again, and `Unavailable` when a later one may do.
    """

    def __init__(self, url: str, key: str, egress: Egress) -> None:
        """Take the API's address, our key, and what calls out."""
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}", "Stripe-Version": VERSION}
        self._egress = egress

    def get(self, path: str, query: Mapping[str, str]) -> Mapping[str, Any]:
        """Read something."""
        return self._call("GET", path, headers=self._headers, params=dict(query))

    def post(self, path: str, form: Mapping[str, str], key: str) -> Mapping[str, Any]:
        """Have something made, once for this key."""
        headers = {**self._headers, "Idempotency-Key": key}
        return self._call("POST", path, headers=headers, data=dict(form))

    def _call(self, method: str, path: str, **parts: Any) -> Mapping[str, Any]:
        url = self._url + path
        try:
            answered = self._egress.send(method, url, seconds=SECONDS, most=MOST_BYTES, **parts)
        except NotAllowed as error:
            raise Unavailable("the payment gateway may not be called from here") from error
        said = _said(answered.body)
        if answered.status == _OK and said:
            return said
        raise _refusal(answered, said)


def _said(body: bytes) -> Mapping[str, Any]:
    """Return what was answered, empty when it is no JSON object."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _refusal(answered: Answered, said: Mapping[str, Any]) -> UpstreamRefused | Unavailable:
    """Return an answer that is none as our error; what Stripe says of it is for the log."""
    error = said.get("error")
    told = error if isinstance(error, dict) else {}
    code = str(told.get("code") or told.get("type") or answered.status)
    log.warning("payments.stripe_refused", status=answered.status, code=code)
    if answered.status in _KEY_REFUSED:
        return UpstreamKeyRefused("the payment gateway does not take our key")
    if answered.status in _BUSY:
        return UpstreamRateLimited("the payment gateway is busy", retry_after=5)
    if answered.status >= _FAULT or not told:
        return UpstreamError("the payment gateway answered with a fault")
    return UpstreamRefused(code)
