"""Rows for tests, made as the application makes them."""

from collections.abc import Callable
from itertools import count
from typing import Any, TypeVar
from uuid import UUID

from models import engine
from models.accounts import Account
from models.engine import Draft
from models.jobs import JobRow
from models.kernel.clock import SystemClock
from models.kernel.database import database
from models.kernel.ids import new_id
from models.kernel.money import NOTHING, Estimate, Nano

LEASE = 60.0
WINDOW = 4

T = TypeVar("T")

_TOLD = """
select type, data from event where account_id = %s and type not like 'user.%%'
order by written_by, seq
"""

_grants = count()


def account(balance: int = 0) -> UUID:
    """Make an account with this many nano-USD."""
    made: Account = Account.create(tier="enterprise", created_at=SystemClock().now())
    if balance:
        grant(made.id, balance)
    return UUID(str(made.id))


def grant(account_id: UUID, amount: int) -> None:
    idem = f"grant:{next(_grants)}"
    database.rows("select money_grant(%s, %s, 'grants', %s)", (account_id, amount, idem))


def draft(account_id: UUID, **wishes: Any) -> Draft:
    """Draft a canary of a queue whose windows are small."""
    common: dict[str, Any] = {
        "id": new_id(), "account_id": account_id, "mode": "live", "type": "system.echo",
        "queue": "default", "input": {"text": "hello"}, "subject_id": None, "priority": 5,
        "max_attempts": 3, "deadline_seconds": 3_600, "window": WINDOW, "most_waiting": 100,
        "hold": NOTHING,
    }  # fmt: skip
    return Draft(**{**common, **wishes})


def accepted(account_id: UUID | None = None, **wishes: Any) -> JobRow:
    """Accept a job; `hold` may be a plain number of nano-USD."""
    if isinstance(wishes.get("hold"), int):
        wishes["hold"] = Estimate(Nano(wishes["hold"]))
    made = engine.accept(draft(account_id or account(), **wishes))
    return row(made.id)


def claimed(account_id: UUID | None = None, **wishes: Any) -> JobRow:
    """Accept a job and claim it."""
    claim = engine.claim(accepted(account_id, **wishes).id, "worker", LEASE)
    assert claim is not None
    return claim


def row(job_id: UUID) -> JobRow:
    """Return a job as it is now."""
    fresh: JobRow = JobRow.get_by_id(job_id)
    return fresh


def money(account_id: UUID) -> tuple[int, int]:
    """Return the balance and what is held of it."""
    ((balance, held),) = database.rows(
        "select balance_nano, held_nano from account where id = %s", (account_id,)
    )
    return balance, held


def lane(account_id: UUID, queue: str = "default") -> tuple[int, int]:
    """Return how many jobs of an account have a place in the broker, and how many wait."""
    ((in_flight, waiting),) = database.rows(
        "select in_flight, waiting from lane where account_id = %s and queue = %s",
        (account_id, queue),
    )
    return in_flight, waiting


def events(account_id: UUID) -> list[str]:
    """Return the types of an account's events in order, but those about its person."""
    return [kind for kind, _ in told(account_id)]


def told(account_id: UUID) -> list[tuple[str, dict[str, Any]]]:
    """Return the types and the data of an account's events, as `events` does."""
    return [(kind, data) for kind, data in database.rows(_TOLD, (account_id,))]


def used(cost: int) -> dict[str, Any]:
    """Return a usage line as a worker writes it into the end of a job."""
    classes = ("cached", "written", "written_long", "reasoning")
    return {
        "step": 0, "operation": "test", "vendor": "x", "llm": "x", "price_id": "x",
        "tokens_in": 1, "tokens_out": 1, **{f"tokens_{kind}": 0 for kind in classes},
        "cost_nano": cost, "vendor_nano": cost, "estimated": False, "is_borne": False,
        "is_own_key": False,
    }  # fmt: skip


def returned(work: Callable[..., T], *of: Any) -> T:
    """Do something in a thread, and give back the connection it took."""
    with database.borrowed():
        return work(*of)
