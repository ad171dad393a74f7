"""The till: which gateway takes a payment, by the settings and by whose money it is (DX-08)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from jobs.payments.fake import FakeGateway
from jobs.payments.gateway import FAKE, STRIPE, Gateway
from jobs.payments.stripe import StripeGateway
from models.billing import LIVE
from models.kernel.clock import Clock
from models.kernel.errors import Conflict, Unavailable
from models.kernel.http import Egress
from models.kernel.loopback import is_loopback
from models.kernel.settings import BadSettings, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Till:
    """Gateways by their names, and the one that takes live money; None: nobody does."""

    gateways: Mapping[str, Gateway]
    live: str | None

    @classmethod
    def of(cls, settings: Settings, clock: Clock) -> Self:
        """Return the till that the settings want; raise `BadSettings` for half of them."""
        gateways: dict[str, Gateway] = {FAKE: FakeGateway()}
        if settings.stripe_secret_key:
            gateways[STRIPE] = StripeGateway(settings, Egress(settings.reachable), clock)
        live = live_gateway(settings)
        if live == STRIPE and STRIPE not in gateways:
            raise BadSettings("ILM_PAYMENTS: stripe needs STRIPE_SECRET_KEY")
        return cls(gateways=gateways, live=live)

    def gateway_for(self, mode: str) -> Gateway:
        """Return who takes a payment; a test key's is always the fake. Raise `Conflict`: nobody."""
        name = self.live if mode == LIVE else FAKE
        if name is None:
            raise Conflict(
                "no payments are taken here: the operator sets STRIPE_SECRET_KEY, or ILM_PAYMENTS"
            )
        return self.gateways[name]

    def named(self, name: str) -> Gateway:
        """Return the gateway that took a payment; raise `Unavailable` when it is not set up now."""
        gateway = self.gateways.get(name)
        if gateway is None:
            raise Unavailable(f"the payment gateway {name} is not set up")
        return gateway


def live_gateway(settings: Settings) -> str | None:
    """Return the name of who takes live money, None for nobody."""
    if settings.payments:
        return None if settings.payments == "off" else settings.payments
    if settings.stripe_secret_key:
        return STRIPE
    return FAKE if is_loopback(settings.base_url) else None
