"""Statements chain, add up in every rounding, and never change once a month is over (B-12)."""

import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import pairwise
from uuid import UUID, uuid4

import pytest

from jobs.statements import (
    Share,
    Sheet,
    entries_of,
    forget_days_of_usage,
    keep_statements,
    statement,
)
from jobs.usage_rollup import forget_detail
from models.billing import Whose
from models.credits import Credit
from models.kernel.database import Pool
from models.kernel.errors import NotFound
from models.kernel.money import NANO_PER_CENT, Nano, shared
from models.kernel.settings import Settings
from models.statements import months
from models.usage import usage
from tests import factories
from tests.chaos.audit import audit
from tests.jobs.usage_lines import add_up
from tests.making import person
from tests.rehearsal import rehearsed

pytestmark = pytest.mark.usefixtures("database")

SEED = 20261123
DOLLAR = 1_000_000_000
CENT = DOLLAR // 100
SETTINGS = Settings(usage_days=30, usage_aggregate_days=400)
NOVEMBER = datetime(2027, 11, 30, 23, 50, tzinfo=UTC)
DECEMBER = datetime(2027, 12, 1, 0, 10, tzinfo=UTC)

At = Callable[[datetime], AbstractContextManager[None]]


@pytest.fixture
def at(database: Pool) -> At:
    """Let the database believe that it is some moment."""
    return partial(rehearsed, database)


def reader(tier: str = "premium") -> UUID:
    return UUID(str(person(tier=tier).account_id))


def begun(database: Pool, who: UUID, amount: int) -> UUID:
    job_id = uuid4()
    database.rows("select money_hold(%s, %s, %s)", (job_id, who, amount))
    return job_id


def ended(database: Pool, who: UUID, job_id: UUID, cost: int, llm: str = "small") -> None:
    """Settle a hold, with what was used, as the end of a job does."""
    ((day,),) = database.rows("select day from credit_hold where job_id = %s", (job_id,))
    database.rows("select money_settle(%s, %s)", (job_id, cost))
    factories.usage_line(who, job_id=job_id, day=day, cost_nano=cost, llm=llm)


def moved(database: Pool, who: UUID, amount: int, kind: str) -> None:
    function, other = ("money_grant", kind) if amount > 0 else ("money_take", kind)
    database.rows(
        f"select {function}(%s, %s, %s, %s)", (who, abs(amount), other, f"{kind}:{uuid4()}")
    )


def told(sheet: Sheet) -> dict[str, int]:
    return {entry.kind: entry.amount.amount for entry in sheet.entries if entry.amount}


def adds_up(sheet: Sheet) -> None:
    """Check every sum of a statement, in nano-USD and in cents."""
    month = sheet.month
    assert month.opening + sum((e.amount for e in sheet.entries), Nano(0)) == month.closing
    assert month.opening.balance_cents + sum(e.cents for e in sheet.entries) == (
        month.closing.balance_cents
    )
    for shares in (sheet.by_llm, sheet.by_key, sheet.by_user):
        assert sum((share.cost for share in shares), Nano(0)) == month.charged
        assert sum(share.cents for share in shares) == sheet.charged_cents
        assert all(_is_rounded(share) for share in shares)


def _is_rounded(share: Share) -> bool:
    return abs(share.cents * NANO_PER_CENT - share.cost.amount) < NANO_PER_CENT


def test_a_month_leads_from_its_opening_to_its_closing(database: Pool, at: At) -> None:
    who = reader()
    with at(NOVEMBER):
        moved(database, who, 3 * DOLLAR, "purchase")
        ended(database, who, begun(database, who, 4 * DOLLAR), 4 * DOLLAR - 1)
        moved(database, who, -DOLLAR, "refund")
        moved(database, who, 7, "adjust")
    with at(DECEMBER):
        december = Credit.of(who).period
        november = statement(who, date(2027, 11, 1))
        balance = Credit.of(who).balance
        now = statement(who, december)

    assert told(november) == {
        "granted": 10 * DOLLAR,
        "expired": -6 * DOLLAR - 1,
        "purchased": 3 * DOLLAR,
        "refunded": -DOLLAR,
        "adjusted": 7,
        "charged": -4 * DOLLAR + 1,
    }
    assert (november.status, now.status) == ("final", "open")
    assert november.month.closing == now.month.opening
    assert now.month.closing == balance
    adds_up(november)
    adds_up(now)


def test_a_month_is_provisional_until_its_last_hold_has_settled(database: Pool, at: At) -> None:
    who = reader()
    with at(NOVEMBER):
        late = begun(database, who, DOLLAR)
    with at(DECEMBER):
        Credit.of(who)
        before = statement(who, date(2027, 11, 1))
        assert keep_statements() == 0
        ended(database, who, late, DOLLAR // 2)
        after = statement(who, date(2027, 11, 1))
        moved(database, who, 5 * DOLLAR, "purchase")
        ended(database, who, begun(database, who, CENT), CENT)
        assert statement(who, date(2027, 11, 1)) == after
        now = statement(who, date(2027, 12, 1))

    assert (before.status, after.status) == ("provisional", "final")
    assert (before.month.charged.amount, after.month.charged.amount) == (0, DOLLAR // 2)
    assert told(now)["purchased"] == 5 * DOLLAR
    for sheet in (before, after, now):
        adds_up(sheet)


def test_what_a_final_statement_says_is_kept_whatever_becomes_of_the_rest(
    database: Pool, at: At
) -> None:
    who = reader()
    with at(NOVEMBER):
        ended(database, who, begun(database, who, DOLLAR), DOLLAR)
    with at(DECEMBER):
        Credit.of(who)
        assert (keep_statements(), keep_statements()) == (1, 0)
        kept = statement(who, date(2027, 11, 1))
        with at(DECEMBER + timedelta(days=500)):
            add_up()
            assert forget_days_of_usage(SETTINGS) == 0, "there is still detail"
            forget_detail(SETTINGS)
            assert forget_days_of_usage(SETTINGS) == 1
            assert statement(who, date(2027, 11, 1)) == kept
            assert database.rows("select count(*) from usage_day") == [(0,)]
    assert [str(each) for each in audit(database) if each.breaches] == []


def test_what_was_charged_beside_usage_is_told_as_other(database: Pool, at: At) -> None:
    who = reader()
    with at(NOVEMBER):
        ended(database, who, begun(database, who, DOLLAR), 5)
        database.rows("select money_settle(%s, 7)", (begun(database, who, DOLLAR),))
    with at(DECEMBER):
        Credit.of(who)
        sheet = statement(who, date(2027, 11, 1))
    assert [(share.name, share.cost.amount) for share in sheet.by_llm] == [
        ("small", 5),
        ("other", 7),
    ]
    adds_up(sheet)


def test_keys_and_people_are_called_what_they_are_called_today(database: Pool) -> None:
    reading = person(name="نجيب محفوظ")
    who = UUID(str(reading.account_id))
    key = factories.api_key(reading, name="laptop")
    job_id = uuid4()
    database.rows("select money_hold(%s, %s, %s, 0, %s, %s)", (job_id, who, 9, reading.id, key.id))
    database.rows("select money_settle(%s, 9)", (job_id,))
    factories.usage_line(
        who, job_id=job_id, day=Credit.of(who).day, cost_nano=9, user_id=reading.id, key_id=key.id
    )
    sheet = statement(who, Credit.of(who).period)

    assert [share.label for share in sheet.by_user] == ["نجيب محفوظ"]
    assert [share.label for share in sheet.by_key] == ["laptop"]


def test_a_month_nobody_had_has_no_statement() -> None:
    who = reader()
    Credit.of(who)
    with pytest.raises(NotFound):
        statement(who, date(2020, 1, 1))


def test_cents_are_shared_by_largest_remainder() -> None:
    thirds = [Nano(CENT // 3)] * 2 + [Nano(CENT // 3 + 1)]
    assert shared(1, thirds) == [0, 0, 1]
    assert shared(1, [Nano(CENT // 2)] * 2) == [1, 0]
    assert shared(-1, [Nano(-CENT // 2)] * 2 + [Nano(0)]) == [0, -1, 0]
    assert shared(5, [Nano(2 * CENT), Nano(3 * CENT)]) == [2, 3]
    assert shared(0, []) == []


def test_any_months_chain_and_add_up(database: Pool, at: At) -> None:
    """Three accounts, nine months, every step at random."""
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    accounts = [reader(tier) for tier in ("premium", "premium", "enterprise")]
    open_holds: list[tuple[UUID, UUID, int]] = []
    moment = NOVEMBER
    finals: dict[tuple[UUID, date], Sheet] = {}
    for _month in range(9):
        for _ in range(40):
            moment += timedelta(hours=chance.randrange(20))
            with at(moment):
                _step(database, chance, chance.choice(accounts), open_holds)
        with at(moment):
            for who in accounts:
                _check(database, who, finals)
            add_up()
            forget_detail(SETTINGS)
    assert len(finals) >= 10
    found = [each for each in audit(database) if each.invariant.startswith(("B1", "B2", "B9"))]
    assert [str(each) for each in found if each.breaches] == []


def _step(
    database: Pool, chance: random.Random, who: UUID, open_holds: list[tuple[UUID, UUID, int]]
) -> None:
    amount, credit = chance.randrange(1, DOLLAR // 3), Credit.of(who)
    what = chance.random()
    if what < 0.4 and (credit.balance - credit.all_held).amount > DOLLAR:
        open_holds.append((who, begun(database, who, amount), amount))
    elif what < 0.8 and open_holds:
        whose, job_id, held = open_holds.pop(chance.randrange(len(open_holds)))
        llm = chance.choice(("small", "large", "huge"))
        ended(database, whose, job_id, chance.choice((held, held // 3 + 1)), llm)
    elif what < 0.95:
        moved(database, who, 3 * amount, chance.choice(("purchase", "adjust")))


def _check(database: Pool, who: UUID, finals: dict[tuple[UUID, date], Sheet]) -> None:
    balance = Credit.of(who).balance
    sheets = [statement(who, month.period) for month in months(who)]
    assert sheets[0].month.closing == balance
    assert sheets[-1].month.opening == Nano(0)
    for later, earlier in pairwise(sheets):
        assert later.month.opening == earlier.month.closing
    for sheet in sheets:
        adds_up(sheet)
        assert sheet.entries == entries_of(sheet.month)
        whole = usage(Whose(account_id=who, mode="live"), sheet.month.period, sheet.month.end)
        assert whole.total.cost == sheet.month.charged
        if sheet.status == "final":
            assert finals.setdefault((who, sheet.month.period), sheet) == sheet
