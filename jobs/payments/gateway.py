"""The port of payments: begin a checkout, read what became of it, give the money back.

Amounts are whole cents of USD. A gateway does each thing once, however often it is asked for it:
what timed out is simply asked again. Who is away raises `Unavailable`; who refuses,
`UpstreamRefused`.
"""

from dataclasses import dataclass
from typing import Final, Protocol

FAKE: Final = "fake"
STRIPE: Final = "stripe"

PENDING: Final = "pending"
PAID: Final = "paid"
FAILED: Final = "failed"

USD: Final = "usd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be paid, once for its purchase, whose id on the wire the gateway keeps."""

    purchase: str
    cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A checkout as the gateway knows it; `reference` is its name there, `payment` the money's.

    `cents` and `currency` are what was paid, whatever had been ordered; `reversed_cents` is what
    the gateway has given back of it, or the bank has taken.
    """

    reference: str
    state: str
    purchase: str
    cents: int
    currency: str = USD
    payment: str | None = None
    checkout_url: str | None = None
    failure: str | None = None
    reversed_cents: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Repayment:
    """What is to be given back of a payment, once for its purchase and number."""

    purchase: str
    payment: str
    cents: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a signed message of a gateway is about: a checkout, a payment, or a refund that failed.

    It is only a reason to ask: what is true is read from the gateway.
    """

    reference: str = ""
    purchase: str = ""
    payment: str = ""
    failed_refund: str = ""


class Gateway(Protocol):
    """Whoever takes money for us."""

    name: str

    def begin(self, order: Order) -> Payment:
        """Begin a checkout, or return the one that was begun for the same purchase."""
        ...

    def look(self, reference: str) -> Payment:
        """Return what became of a checkout."""
        ...

    def repay(self, repayment: Repayment) -> None:
        """Give money back; when this returns, the gateway has taken it upon itself."""
        ...

    def failed_repayment(self, reference: str) -> Repayment | None:
        """Return which repayment a refund was, if it has failed after all; else None."""
        ...

    def notice_of(self, body: bytes, signature: str) -> Notice | None:
        """Return what a message is about, None for nothing of ours; raise `Unauthorized`."""
        ...
