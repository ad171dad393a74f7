"""Settings of money: how charges are rounded, who takes payments, and our credentials there."""

from dataclasses import dataclass

from models.kernel.money import CEIL_CENT, EXACT
from models.kernel.setting_fields import text
from models.kernel.vendor_settings import VendorSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentSettings(VendorSettings):
    """What an operator can set of payments (B-09, X-7)."""

    billing_rounding: str = text("ILM_BILLING_ROUNDING", EXACT, EXACT, CEIL_CENT)
    """How a charge is rounded: `exact`, to the nano-USD, or `ceil_cent`, up to the next cent (X-7).
    What is under way is charged as it was accepted."""
    payments: str = text("ILM_PAYMENTS", "", "off", "fake", "stripe")
    """Who takes payments: `stripe`, `fake` or `off`; empty means stripe with STRIPE_SECRET_KEY,
    else fake while ILM_PUBLIC_URL is loopback, else off. Test keys always pay at the fake."""
    payments_return_url: str = text("ILM_PAYMENTS_RETURN_URL")
    """Where a browser goes after a checkout; `?purchase=…` is added. Empty means ILM_PUBLIC_URL."""
    stripe_secret_key: str = text("STRIPE_SECRET_KEY")
    """Our secret key at Stripe."""
    stripe_webhook_secret: str = text("STRIPE_WEBHOOK_SECRET")
    """What signs the events that Stripe sends to /v1/billing/stripe; empty believes none, and
    payments are found by asking."""
    stripe_api_url: str = text("STRIPE_API_URL", "https://api.stripe.com")
    """Stripe's API; another one is for tests."""
