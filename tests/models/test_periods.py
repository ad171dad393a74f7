"""Months and days of accounts: credits come and go once, limits bind, grace ends (B-02, B-13).

The database's clock is moved by `ilm.rehearsal`, as an operator rehearses the end of a month.
"""

import json
import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from peewee import PeeweeException

from models.credits import Credit, short_of
from models.kernel.database import Pool
from tests import factories
from tests.chaos.audit import audit
from tests.making import person
from tests.rehearsal import rehearsed
from tests.rows import events, grant, money

DOLLAR = 1_000_000_000
CENT = DOLLAR // 100
SEED = 20261121

NOVEMBER = datetime(2027, 11, 30, 23, 50, tzinfo=UTC)
DECEMBER = datetime(2027, 12, 1, 0, 10, tzinfo=UTC)

At = Callable[[datetime], AbstractContextManager[None]]


@pytest.fixture
def at(database: Pool) -> At:
    """Let the database believe that it is some moment."""

    return partial(rehearsed, database)


def reader(tier: str = "free") -> UUID:
    return UUID(str(person(tier=tier).account_id))


def hold(database: Pool, who: UUID, amount: int, tokens: int = 0, **of: Any) -> UUID:
    job_id = uuid4()
    database.rows(
        "select money_hold(%s, %s, %s, %s, %s, %s)",
        (job_id, who, amount, tokens, of.get("user"), of.get("key")),
    )
    return job_id


def settle(database: Pool, job_id: UUID, cost: int, tokens: int = 0) -> None:
    database.rows("select money_settle(%s, %s, %s)", (job_id, cost, tokens))


def refused(database: Pool, who: UUID, amount: int, tokens: int = 0, **of: Any) -> str:
    """Say what is short when so much is held; fail when nothing is."""
    with pytest.raises(PeeweeException) as caught, database.unit():
        hold(database, who, amount, tokens, **of)
    cause: Any = caught.value.__cause__ or caught.value.orig
    assert short_of(caught.value).resets_at is not None
    return str(json.loads(cause.diag.message_detail)["what"])


def sound(pool: Pool) -> None:
    """Check all but what speaks of jobs and of their usage, of which there are none here."""
    found = [each for each in audit(pool) if each.invariant.startswith(("B1", "B2", "B6", "B8"))]
    assert [str(finding) for finding in found if finding.breaches] == []


def test_the_first_hold_opens_the_month_with_its_credits(database: Pool) -> None:
    who = reader()

    hold(database, who, 40 * CENT)

    assert money(who) == (DOLLAR, 40 * CENT)
    assert Credit.of(who).credits.balance_cents == 100


def test_what_credits_do_not_cover_is_refused_and_holds_nothing(database: Pool) -> None:
    who = reader()
    hold(database, who, 60 * CENT)

    assert refused(database, who, 41 * CENT) == "credits"
    assert money(who) == (DOLLAR, 60 * CENT)


def test_a_month_costs_no_more_than_its_tier_allows_whatever_was_bought(database: Pool) -> None:
    who = reader()
    grant(who, 5 * DOLLAR)
    settle(database, hold(database, who, 90 * CENT), 80 * CENT)

    assert refused(database, who, 21 * CENT) == "cost"
    hold(database, who, 20 * CENT)


def test_tokens_are_counted_by_day_held_ones_too(database: Pool, at: At) -> None:
    who = reader()
    with at(NOVEMBER - timedelta(days=9)):
        settle(database, hold(database, who, CENT, 6_000), CENT, 5_000)
        hold(database, who, CENT, 4_000)
        assert refused(database, who, CENT, 1_001) == "tokens"
        hold(database, who, CENT, 1_000)
    with at(NOVEMBER - timedelta(days=8)):
        hold(database, who, CENT, 10_000)


@pytest.mark.parametrize("tier", ["free", "premium"])
def test_only_premium_goes_on_for_a_day_and_as_far_as_its_overdraft(
    database: Pool, at: At, tier: str
) -> None:
    who, start = reader(tier), NOVEMBER - timedelta(days=9)
    given = DOLLAR if tier == "free" else 10 * DOLLAR
    with at(start):
        settle(database, hold(database, who, given), given)
        if tier == "free":
            assert refused(database, who, 1) == "credits"
            return
        settle(database, hold(database, who, 3 * DOLLAR), 3 * DOLLAR)
        assert refused(database, who, 2 * DOLLAR + 1) == "credits"
    with at(start + timedelta(hours=23)):
        settle(database, hold(database, who, DOLLAR), DOLLAR)
    with at(start + timedelta(hours=25)):
        assert refused(database, who, 1) == "credits"
        grant(who, 9 * DOLLAR)
        settle(database, hold(database, who, 5 * DOLLAR), 5 * DOLLAR)
        assert refused(database, who, 1) == "credits"
    with at(DECEMBER):
        hold(database, who, 10 * DOLLAR)
        hold(database, who, DOLLAR)
    assert events(who).count("credits.grace_started") == 2
    sound(database)


def test_from_four_fifths_on_it_is_told_once_a_period(database: Pool, at: At) -> None:
    who = reader()
    with at(NOVEMBER):
        assert database.rows("select money_hold(%s, %s, %s)", (uuid4(), who, 79 * CENT)) == [(79,)]
        assert events(who) == []
        hold(database, who, CENT)
        hold(database, who, CENT)
    assert events(who) == ["credits.soft_limit"]


def test_credits_expire_with_their_month_and_what_was_bought_stays(database: Pool, at: At) -> None:
    who = reader()
    with at(NOVEMBER):
        grant(who, 3 * DOLLAR)
        settle(database, hold(database, who, 30 * CENT), 30 * CENT)
    with at(DECEMBER):
        credit = Credit.of(who)
    assert credit.balance.amount == 4 * DOLLAR
    assert (credit.credits.amount, credit.spent.amount) == (DOLLAR, 0)
    assert credit.lifetime.amount == 30 * CENT
    sound(database)


def test_months_that_nobody_looked_are_caught_up_one_by_one(database: Pool, at: At) -> None:
    who = reader("premium")
    with at(datetime(2027, 12, 31, tzinfo=UTC)):
        Credit.of(who)
    with at(datetime(2028, 3, 1, 0, 1, tzinfo=UTC)):
        assert database.rows("select period_open(%s)", (who,)) == [(3,)]
        assert database.rows("select period_open(%s)", (who,)) == [(0,)]
    periods = database.rows("select period from credit_period order by period")
    assert periods == [(date(2027, 12, 1),), *((date(2028, n, 1),) for n in (1, 2, 3))]
    assert money(who) == (10 * DOLLAR, 0)
    sound(database)


def test_what_was_held_before_midnight_is_of_the_month_before(database: Pool, at: At) -> None:
    who = reader()
    with at(NOVEMBER):
        late = hold(database, who, 90 * CENT, 500)
    with at(DECEMBER):
        assert Credit.of(who).balance.amount == DOLLAR + 90 * CENT
        settle(database, late, 50 * CENT, 400)
        credit = Credit.of(who)
    assert credit.balance.amount == DOLLAR, "what the hold gave back had expired"
    assert (credit.spent.amount, credit.tokens_used, credit.tokens_held) == (0, 0, 0)
    spent = "select spent_nano, expired_nano from credit_period where closed_at is not null"
    assert database.rows(spent) == [(50 * CENT, 50 * CENT)]
    sound(database)


def test_a_debt_is_repaid_by_the_credits_of_the_next_month(database: Pool, at: At) -> None:
    who = reader("premium")
    with at(NOVEMBER):
        settle(database, hold(database, who, 10 * DOLLAR), 10 * DOLLAR)
        settle(database, hold(database, who, 4 * DOLLAR), 4 * DOLLAR)
        assert money(who) == (-4 * DOLLAR, 0)
    with at(DECEMBER):
        credit = Credit.of(who)
        grant(who, 2 * DOLLAR)
    assert (credit.balance.amount, credit.credits.amount) == (6 * DOLLAR, 6 * DOLLAR)
    with at(DECEMBER + timedelta(days=40)):
        assert Credit.of(who).balance.amount == 12 * DOLLAR
    sound(database)


def test_an_upgrade_brings_the_rest_of_the_higher_tiers_credits(database: Pool) -> None:
    reading = person(tier="free")
    settle(database, hold(database, reading.account_id, 40 * CENT), 40 * CENT)

    for tier in ("premium", "free", "premium"):
        reading.tier = tier
        reading.save()

    assert money(reading.account_id) == (10 * DOLLAR - 40 * CENT, 0)
    assert Credit.of(reading.account_id).tier == "premium"
    sound(database)


@pytest.mark.parametrize("scope", ["account", "user", "key"])
def test_a_hard_budget_refuses_and_a_soft_one_tells(database: Pool, at: At, scope: str) -> None:
    who, subject = reader(), None if scope == "account" else uuid4()
    mine = {scope: subject} if subject else {}
    soft = {
        "period": "day",
        "is_hard": False,
        "amount_nano": 10 * CENT,
    }
    for wish in ({"amount_nano": 50 * CENT}, soft):
        factories.budget(who, scope=scope, subject_id=subject, **wish)
    database.rows("update account set budgets = 2 where id = %s", (who,))
    with at(NOVEMBER):
        settle(database, hold(database, who, 45 * CENT, **mine), 9 * CENT)
        settle(database, hold(database, who, 41 * CENT, **mine), 11 * CENT)
        assert refused(database, who, 31 * CENT, **mine) == "budget"
        if subject:
            hold(database, who, 31 * CENT)
    with at(DECEMBER):
        hold(database, who, 50 * CENT, **mine)
    told = database.rows("select data -> 'budget' ->> 'percent' from event")
    assert sorted(int(percent) for (percent,) in told if percent) == [80, 100]


def test_any_order_of_holds_ends_months_and_purchases_keeps_the_books(
    database: Pool, at: At
) -> None:
    """Five accounts, four months, every step at random; every invariant after each month."""
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    accounts = [reader(tier) for tier in ("free", "premium", "premium", "enterprise", "free")]
    for who in accounts:
        grant(who, chance.randrange(DOLLAR))
    open_holds: list[tuple[UUID, int]] = []
    moment = NOVEMBER
    for _month in range(4):
        for _ in range(60):
            moment += timedelta(hours=chance.randrange(14))
            with at(moment):
                _step(database, chance, accounts, open_holds)
        sound(database)
        moment += timedelta(days=chance.choice((0, 0, 45)))


def _step(
    database: Pool, chance: random.Random, accounts: list[UUID], open_holds: list[tuple[UUID, int]]
) -> None:
    who, amount = chance.choice(accounts), chance.randrange(1, 4 * DOLLAR)
    what = chance.random()
    if what < 0.5:
        try:
            with database.unit():
                open_holds.append((hold(database, who, amount, chance.randrange(900)), amount))
        except PeeweeException as error:
            short_of(error)  # raises for any other error
    elif what < 0.9 and open_holds:
        job_id, held = open_holds.pop(chance.randrange(len(open_holds)))
        settle(database, job_id, chance.choice((0, held // 3, held, 2 * held)), 10)
    elif what < 0.95:
        grant(who, amount)
    else:
        Credit.of(who)
