"""The fake gateway: takes no money, and pays at once, declines or waits, as the amount wants it.

For test keys and for houses on loopback. It remembers nothing: a reference holds all there is to
know, so that any process of any release answers the same.
"""

from typing import Final

from jobs.payments.gateway import FAILED, FAKE, PAID, PENDING, Notice, Order, Payment, Repayment
from models.kernel.errors import Unauthorized, UpstreamRefused

DECLINED_CENTS: Final = 5_001
PENDING_CENTS: Final = 5_002
LATER_CENTS: Final = 5_003
KEPT_CENTS: Final = 5_004

_DECLINED: Final = "card_declined"


class FakeGateway:
    """Every amount is paid at once, but for these.

    5001 cents are declined; 5002 stay pending; 5003 are pending and found paid when they are asked
    about; 5004 are paid, and never given back.
    """

    name = FAKE

    def begin(self, order: Order) -> Payment:
        """Pay an order, in the way its amount wants it."""
        made = self.look(f"fake:{order.purchase}:{order.cents}")
        if order.cents != LATER_CENTS:
            return made
        return Payment(
            reference=made.reference, state=PENDING, purchase=made.purchase, cents=made.cents
        )

    def look(self, reference: str) -> Payment:
        """Return what became of an order."""
        _, purchase, cents = reference.split(":")
        state = {DECLINED_CENTS: FAILED, PENDING_CENTS: PENDING}.get(int(cents), PAID)
        return Payment(
            reference=reference,
            state=state,
            purchase=purchase,
            cents=int(cents),
            payment=reference if state == PAID else None,
            failure=_DECLINED if state == FAILED else None,
        )

    def repay(self, repayment: Repayment) -> None:
        """Give nothing back, as nothing was taken."""
        if repayment.payment.endswith(f":{KEPT_CENTS}"):
            raise UpstreamRefused("the fake gateway gives this amount back to nobody")

    def failed_repayment(self, _reference: str) -> Repayment | None:
        """Know of none: what the fake gives back, it has given back."""
        return None

    def notice_of(self, _body: bytes, _signature: str) -> Notice | None:
        """Refuse every message: the fake sends none."""
        raise Unauthorized("the fake gateway sends nothing")
