"""Billing as its owner reads it: operations with what they cost, and movements of money."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

from models.kernel.database import database
from models.kernel.errors import NotFound
from models.kernel.ids import wire_id
from models.kernel.money import ZERO, Nano
from models.listings import Listing

LIVE: Final = "live"

_KINDS: Final[Mapping[str, str]] = {
    "grant": "credits_granted",
    "expire": "credits_expired",
    "purchase": "purchase",
    "refund": "refund",
    "adjust": "adjustment",
}
"""What a movement is, by how its `idem` begins."""
OTHER: Final = "grant"
CHAT: Final = "chat"

_OPERATIONS: Final = """
select line.job_id as id, line.created_at, line.operation, line.llm, line.vendor, line.tokens_in,
    line.tokens_out, -coalesce(hold.settled_nano, line.cost_nano) as amount_nano,
    chat.id as chat_id, line.estimated, line.key_id, line.user_id
from usage_line line left join credit_hold hold using (job_id)
left join chat on chat.id = line.subject_id
where line.account_id = %(account)s and line.mode = %(mode)s and not line.is_borne
"""
_MOVEMENTS: Final = """
select transaction_id, created_at, split_part(idem, ':', 1), null, null, null::integer,
    null::integer, amount_nano, null::uuid, false, null::uuid, null::uuid
from ledger_entry where account = %(wallet)s and idem not like 'job:%%'
"""
_ALL: Final = f"({_OPERATIONS} union all {_MOVEMENTS}) as movement"
_PAGE: Final = f"""
select * from {_ALL} order by created_at desc, id desc limit %(limit)s offset %(offset)s
"""
_COUNT: Final = f"select count(*) from {_ALL}"
_ONE: Final = f"select * from {_ALL} where id = %(id)s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """Whose money is read: an account's, live or test."""

    account_id: UUID
    mode: str

    @property
    def wallet(self) -> str:
        """What the ledger calls their money."""
        return f"{'wallet' if self.mode == LIVE else 'sandbox'}:{self.account_id}"

    @property
    def fields(self) -> dict[str, Any]:
        """The same for statements."""
        return {"account": self.account_id, "mode": self.mode, "wallet": self.wallet}


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """One operation with what it cost, or one movement of money (B-06, B-11).

    `amount` is what it did to the balance: less than nothing for a charge.
    """

    id: UUID
    at: datetime
    kind: str
    amount: Nano
    llm: str | None = None
    vendor: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    chat_id: UUID | None = None
    estimated: bool = False
    key_id: UUID | None = None
    user_id: UUID | None = None

    @property
    def cost(self) -> Nano:
        """What an operation cost; nothing for a movement."""
        return -self.amount if self.is_operation else ZERO

    @property
    def is_operation(self) -> bool:
        """Whether an LLM was asked, rather than money moved."""
        return self.llm is not None

    @property
    def operation_id(self) -> str | None:
        """What the operation made: the answer, or the job."""
        if not self.is_operation:
            return None
        return wire_id("job" if self.kind == "embedding" else "msg", self.id)

    @classmethod
    def of_row(cls, row: tuple[Any, ...]) -> Self:
        """Read a row of `_ALL`."""
        (key, at, kind, llm, vendor, into, out, amount, chat_id, estimated, key_id, user_id) = row
        if llm is None:
            kind = _KINDS.get(kind, OTHER)
        elif chat_id is not None:
            kind = CHAT
        return cls(
            id=key, at=at, kind=kind, amount=Nano(amount), llm=llm, vendor=vendor, tokens_in=into,
            tokens_out=out, chat_id=chat_id, estimated=estimated, key_id=key_id, user_id=user_id,
        )  # fmt: skip


def transactions(whose: Whose, *, page: int, limit: int) -> Listing:
    """Return a page of transactions, newest first."""
    wanted = {**whose.fields, "limit": limit, "offset": (page - 1) * limit}
    with database.unit():
        ((total,),) = database.rows(_COUNT, wanted)
        rows = database.rows(_PAGE, wanted)
    return Listing([Transaction.of_row(row) for row in rows], page, limit, total)


def transaction(whose: Whose, transaction_id: UUID) -> Transaction:
    """Return one transaction; raise `NotFound` for one that is none, or another's."""
    rows = database.rows(_ONE, {**whose.fields, "id": transaction_id})
    if not rows:
        raise NotFound("there is no such transaction")
    return Transaction.of_row(rows[0])
