"""Stripe: Checkout Sessions and Refunds, by its REST API of a pinned version (B-09).

What a session was paid with is read from Stripe itself, never from an event: an event, which may be
late, out of order or sent twice, is only a reason to read. What is asked for bears an
`Idempotency-Key`, so that a call that timed out after Stripe has done it is repeated safely.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from jobs.payments.gateway import (
    FAILED,
    PAID,
    PENDING,
    STRIPE,
    USD,
    Notice,
    Order,
    Payment,
    Repayment,
)
from jobs.payments.stripe_events import notice_in, verify
from jobs.payments.stripe_wire import StripeWire
from models.kernel.clock import Clock
from models.kernel.errors import UpstreamRefused
from models.kernel.http import Egress
from models.kernel.settings import Settings

PRODUCT: Final = "Credits"

_ENDED: Final = ("requires_payment_method", "canceled")
_FAILED_REFUNDS: Final = ("failed", "canceled")
_EXPANDED: Final = {"expand[]": "payment_intent.latest_charge"}
_REFUNDED_ALREADY: Final = "charge_already_refunded"


class StripeGateway:
    """Takes payments by Stripe's own checkout page."""

    name = STRIPE

    def __init__(self, settings: Settings, egress: Egress, clock: Clock) -> None:
        """Take our keys and addresses, what calls out, and the time."""
        self._wire = StripeWire(settings.stripe_api_url, settings.stripe_secret_key, egress)
        self._secret = settings.stripe_webhook_secret
        self._return_url = settings.payments_return_url or settings.base_url
        self._clock = clock

    def begin(self, order: Order) -> Payment:
        """Make a Checkout Session; raise `UpstreamRefused`, and `Unavailable`."""
        back = self._return_url + ("&" if "?" in self._return_url else "?")
        line = "line_items[0]"
        form = {
            "mode": "payment",
            "client_reference_id": order.purchase,
            f"{line}[quantity]": "1",
            f"{line}[price_data][currency]": USD,
            f"{line}[price_data][unit_amount]": str(order.cents),
            f"{line}[price_data][product_data][name]": PRODUCT,
            "metadata[purchase]": order.purchase,
            "payment_intent_data[metadata][purchase]": order.purchase,
            "success_url": back + urlencode({"purchase": order.purchase, "checkout": "done"}),
            "cancel_url": back + urlencode({"purchase": order.purchase, "checkout": "left"}),
        }
        return _payment(self._wire.post("/v1/checkout/sessions", form, f"ilm-{order.purchase}"))

    def look(self, reference: str) -> Payment:
        """Read a Checkout Session, with its payment and what was charged."""
        path = f"/v1/checkout/sessions/{quote(reference, safe='')}"
        return _payment(self._wire.get(path, _EXPANDED))

    def repay(self, repayment: Repayment) -> None:
        """Make a refund; one that Stripe has made before is as good."""
        form = {
            "payment_intent": repayment.payment,
            "amount": str(repayment.cents),
            "metadata[purchase]": repayment.purchase,
            "metadata[number]": str(repayment.number),
        }
        key = f"ilm-{repayment.purchase}-refund-{repayment.number}"
        try:
            made = self._wire.post("/v1/refunds", form, key)
        except UpstreamRefused as refused:
            if refused.message == _REFUNDED_ALREADY:
                return
            raise
        if made.get("status") in _FAILED_REFUNDS:
            raise UpstreamRefused(str(made.get("failure_reason") or "refund_failed"))

    def failed_repayment(self, reference: str) -> Repayment | None:
        """Read a refund, and return which it was if it has failed."""
        said = self._wire.get(f"/v1/refunds/{quote(reference, safe='')}", {})
        told = _table(said.get("metadata"))
        number = str(told.get("number", ""))
        if said.get("status") not in _FAILED_REFUNDS or not number.isdecimal():
            return None
        return Repayment(
            purchase=str(told.get("purchase", "")),
            payment=str(said.get("payment_intent", "")),
            cents=_whole(said.get("amount")),
            number=int(number),
        )

    def notice_of(self, body: bytes, signature: str) -> Notice | None:
        """Return what a signed event is about; raise `Unauthorized` when it is not Stripe's."""
        verify(body, signature, self._secret, self._clock.now())
        return notice_in(body)


def _payment(session: Mapping[str, Any]) -> Payment:
    """Read a Checkout Session."""
    intent = _table(session.get("payment_intent"))
    charge = _table(intent.get("latest_charge"))
    state = _state(session, intent)
    url = session.get("url")
    return Payment(
        reference=str(session.get("id", "")),
        state=state,
        purchase=str(session.get("client_reference_id", "")),
        cents=_whole(session.get("amount_total")),
        currency=str(session.get("currency", "")),
        payment=_name(session.get("payment_intent")),
        checkout_url=url if isinstance(url, str) else None,
        failure=_failure(session, intent) if state == FAILED else None,
        reversed_cents=_reversed(charge),
    )


def _state(session: Mapping[str, Any], intent: Mapping[str, Any]) -> str:
    """Return what became of a session; money that is on its way for days is pending."""
    if session.get("payment_status") == "paid":
        return PAID
    has_failed = session.get("status") == "complete" and intent.get("status") in _ENDED
    return FAILED if has_failed or session.get("status") == "expired" else PENDING


def _failure(session: Mapping[str, Any], intent: Mapping[str, Any]) -> str:
    error = _table(intent.get("last_payment_error"))
    return str(error.get("code") or session.get("status") or FAILED)


def _reversed(charge: Mapping[str, Any]) -> int:
    """Return the cents of a charge that are gone again: all of one that the bank disputes."""
    taken = _whole(charge.get("amount"))
    return taken if charge.get("disputed") is True else _whole(charge.get("amount_refunded"))


def _name(of: Any) -> str | None:
    """Return the id of what is told by its id, or whole."""
    name = of.get("id") if isinstance(of, dict) else of
    return name if isinstance(name, str) and name else None


def _table(of: Any) -> Mapping[str, Any]:
    return of if isinstance(of, dict) else {}


def _whole(of: Any) -> int:
    return of if type(of) is int and of >= 0 else 0
