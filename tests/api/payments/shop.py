"""What tests of Stripe share: buying, what Stripe tells, giving back."""

from typing import Any
from uuid import UUID

from falcon.testing import Result

from models.kernel.clock import SystemClock
from models.kernel.ids import parse_id
from tests.api.browser import Browser
from tests.api.reader import Reader
from tests.fakes.stripe import SECRET, FakeStripe, event, signed

BUY = "/v1/ai/billing/purchase"
HOOK = "/v1/billing/stripe"
COMPLETED = "checkout.session.completed"


def buy(reader: Reader, cents: int = 1_000, **headers: str) -> Result:
    return reader.post(BUY, json={"amount_cents": cents}, headers=headers)


def tell(shop: Browser, kind: str, about: dict[str, Any], **how: Any) -> Result:
    """Have Stripe tell something; it signs with `secret`, and so many seconds `ahead`."""
    body = event(kind, about)
    moment = now() + how.get("ahead", 0)
    signature = how.get("signature", signed(body, moment, how.get("secret", SECRET)))
    headers = {"Stripe-Signature": signature, "Content-Type": "application/json"}
    return shop.post(HOOK, body=how.get("body", body), headers=headers)


def now() -> int:
    return int(SystemClock().now().timestamp())


def status(reader: Reader, bought: Result) -> str:
    return str(reader.get(f"/v1/billing/purchases/{bought.json['id']}").json["status"])


def paid(shop: Browser, stripe: FakeStripe, ada: Reader) -> UUID:
    """Have a purchase paid."""
    bought = buy(ada)
    tell(shop, COMPLETED, stripe.pay(stripe.session))
    return parse_id("purchase", bought.json["id"])


def refund(ada: Reader, key: UUID) -> Result:
    path = f"/v1/admin/billing/purchases/purchase_{key.hex}/refund"
    return ada.post(path, json={"reason": "wrong"})
