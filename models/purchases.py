"""Purchases of credits (B-09), and the notes beside movements that were made by hand."""

from datetime import timedelta
from typing import TYPE_CHECKING, Final, Self
from uuid import UUID

from peewee import BigIntegerField, CharField, IntegerField, TextField, UUIDField
from playhouse.postgres_ext import DateTimeTZField

from models.kernel.database import Table, database
from models.kernel.errors import NotFound
from models.kernel.ids import new_id
from models.kernel.money import NANO_PER_CENT, Nano

if TYPE_CHECKING:
    from peewee import ModelSelect

PENDING: Final = "pending"
SUCCEEDED: Final = "succeeded"
FAILED: Final = "failed"
REFUNDING: Final = "refunding"
REFUNDED: Final = "refunded"
STATUSES: Final = (PENDING, SUCCEEDED, FAILED, REFUNDING, REFUNDED)

KEPT_OPEN: Final = timedelta(days=30)
"""For how long a gateway is asked about a payment that it says nothing final of."""
LONGEST_FAILURE: Final = 200

_PAID: Final = "select purchase_paid(%s, %s)"
_REFUND: Final = "select purchase_refund(%s, %s, %s)"
_REFUNDED: Final = "select purchase_refunded(%s)"
_KEPT: Final = "select purchase_kept(%s, %s, %s)"
_REVERSED: Final = "select purchase_reversed(%s, %s)"
_DUE: Final = "select id from purchases_due(%s)"
_REFUND_CENTS: Final = "select refund_cents(purchase) from purchase where id = %s"


class Purchase(Table):
    """One purchase; only `models/sql/purchases.sql` moves its money.

    pending → succeeded → refunding → refunded; pending → failed, which a late payment still makes
    succeeded; a refund that the gateway does not make leads back to succeeded.
    """

    id = UUIDField(primary_key=True, default=new_id)
    account_id = UUIDField()
    user_id = UUIDField()
    mode = CharField()
    amount_cents = BigIntegerField()
    gateway = CharField()
    status = CharField(default=PENDING)
    reference = TextField(null=True)
    payment = TextField(null=True)
    checkout_url = TextField(null=True)
    failure = TextField(null=True)
    refunds = IntegerField(default=0)
    refunded_cents = BigIntegerField(default=0)
    asked = IntegerField(default=0)
    ask_after = DateTimeTZField()
    created_at = DateTimeTZField()
    updated_at = DateTimeTZField()

    @classmethod
    def of(cls, account_id: UUID, mode: str) -> "ModelSelect[Self]":
        """Select an account's purchases, the newest first."""
        mine = (cls.account_id == account_id) & (cls.mode == mode)
        return cls.select().where(mine).order_by(cls.id.desc())

    @classmethod
    def owned_by(cls, account_id: UUID, mode: str, purchase_id: UUID) -> Self:
        """Return an account's purchase; raise `NotFound` for any other."""
        row: Self | None = cls.of(account_id, mode).where(cls.id == purchase_id).first()
        if row is None:
            raise NotFound("there is no such purchase")
        return row

    @classmethod
    def anybodys(cls, purchase_id: UUID) -> Self:
        """Return a purchase, whoever's; raise `NotFound` for none."""
        row: Self | None = cls.found(id=purchase_id)
        if row is None:
            raise NotFound("there is no such purchase")
        return row

    @classmethod
    def due(cls, limit: int) -> list[UUID]:
        """Claim purchases that a gateway is to be asked about now."""
        return [key for (key,) in database.rows(_DUE, (limit,))]

    @property
    def amount(self) -> Nano:
        """What its credits are."""
        return Nano(self.amount_cents * NANO_PER_CENT)

    @property
    def fresh(self) -> Self:
        """The row as it is now."""
        row: Self = type(self).get_by_id(self.id)
        return row

    @property
    def refund_cents(self) -> int:
        """What the refund that is under way takes back."""
        ((cents,),) = database.rows(_REFUND_CENTS, (self.id,))
        return int(cents)

    def begun(self, reference: str, checkout_url: str | None) -> None:
        """Note what the gateway calls it, unless somebody has noted it before."""
        table = type(self)
        fresh = {table.reference: reference, table.checkout_url: checkout_url}
        unsaid = (table.id == self.id) & table.reference.is_null()
        table.update(fresh).where(unsaid).execute()

    def paid(self, payment: str | None) -> bool:
        """Give its credits; False when that was done before."""
        return self._does(_PAID, payment)

    def failed(self, failure: str) -> bool:
        """Give it up; False when something else has become of it."""
        table = type(self)
        fresh = {
            table.status: FAILED,
            table.failure: failure[:LONGEST_FAILURE],
            table.checkout_url: None,
        }
        is_open = (table.id == self.id) & (table.status == PENDING)
        return bool(table.update(fresh).where(is_open).execute())

    def refund(self, actor_id: UUID, reason: str) -> bool:
        """Take its credits back, before the gateway is asked; False when it is not paid now.

        Raises peewee's error with ILM03 when the balance does not cover them.
        """
        return self._does(_REFUND, actor_id, reason)

    def refunded(self) -> bool:
        """Note that the gateway has given the money back."""
        return self._does(_REFUNDED)

    def kept(self, number: int, failure: str) -> bool:
        """Give the credits of the refund of this number again: the gateway keeps the money."""
        return self._does(_KEPT, number, failure[:LONGEST_FAILURE])

    def reversed(self, cents: int) -> bool:
        """Take the credits of so many cents that are gone at the gateway, whatever the balance."""
        return self._does(_REVERSED, cents)

    def _does(self, sql: str, *more: object) -> bool:
        """Run one transition, in a transaction of its own or in that which is open."""
        with database.unit():
            ((done,),) = database.rows(sql, (self.id, *more))
        return bool(done)


class LedgerNote(Table):
    """Who had a movement of the ledger made by hand, and why; never changed afterwards."""

    idem = TextField(primary_key=True)
    account_id = UUIDField()
    actor_id = UUIDField()
    reason = TextField()
    created_at = DateTimeTZField()
