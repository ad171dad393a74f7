"""Events that Stripe sends: whether they are its own, and what they are about.

`Stripe-Signature: t=<seconds>,v1=<hex>,…`: one of the v1, of which there are several while a secret
is replaced, is the HMAC-SHA256 of `<t>.<body>`; `t` is at most 300 seconds from now.
"""

import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from jobs.payments.gateway import Notice
from models.kernel.errors import Unauthorized

TOLERANCE: Final = 300
MOST_SIGNATURES: Final = 10

_LONGEST: Final = 2_000
_LONGEST_TIME: Final = 12
_CHECKOUTS: Final = frozenset(
    f"checkout.session.{end}"
    for end in ("completed", "expired", "async_payment_succeeded", "async_payment_failed")
)
_REVERSALS: Final = frozenset({"charge.refunded", "charge.dispute.funds_withdrawn"})
_FAILED_REFUND: Final = frozenset({"refund.failed", "charge.refund.updated"})


def verify(body: bytes, signature: str, secret: str, now: datetime) -> None:
    """Raise `Unauthorized` unless the body was signed with this secret, just now."""
    moment, offered = _parts(signature)
    is_fresh = moment.isdecimal() and len(moment) <= _LONGEST_TIME
    if not secret or not is_fresh or abs(now.timestamp() - int(moment)) > TOLERANCE:
        raise Unauthorized("the signature does not hold")
    due = hmac.new(secret.encode(), moment.encode() + b"." + body, sha256).hexdigest().encode()
    fits = [hmac.compare_digest(due, each.encode()) for each in offered]
    if not any(fits):
        raise Unauthorized("the signature does not hold")


def _parts(signature: str) -> tuple[str, list[str]]:
    """Return the moment and the signatures of a header; both empty when there are too many."""
    pairs = [part.strip().partition("=") for part in signature[: _LONGEST + 1].split(",")]
    moments = [value for name, _, value in pairs if name == "t"]
    offered = [value for name, _, value in pairs if name == "v1"]
    is_odd = len(signature) > _LONGEST or len(moments) != 1 or len(offered) > MOST_SIGNATURES
    return ("", []) if is_odd else (moments[0], offered)


def notice_in(body: bytes) -> Notice | None:
    """Return what an event is about; None for a kind that tells us nothing."""
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return None
    kind, about = _told(event)
    if kind in _CHECKOUTS:
        return Notice(
            reference=_word(about.get("id")), purchase=_word(about.get("client_reference_id"))
        )
    if kind in _REVERSALS:
        return Notice(payment=_word(about.get("payment_intent")))
    if kind in _FAILED_REFUND:
        return Notice(failed_refund=_word(about.get("id")))
    return None


def _told(event: Any) -> tuple[str, Mapping[str, Any]]:
    """Return the kind of an event and its object."""
    told = event if isinstance(event, dict) else {}
    data = told.get("data")
    about = data.get("object") if isinstance(data, dict) else None
    return _word(told.get("type")), about if isinstance(about, dict) else {}


def _word(of: Any) -> str:
    return of if isinstance(of, str) and len(of) <= _LONGEST else ""
