"""Usage is added up and its detail forgotten, and what is read of it is always exact (B-12)."""

import random
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from jobs import usage_rollup
from jobs.schedules.pulse import Pulse
from jobs.usage_rollup import forget_detail, roll_up
from models.billing import Whose
from models.kernel.clock import SystemClock
from models.kernel.database import Pool
from models.kernel.ids import new_id
from models.kernel.settings import Settings
from models.usage import usage
from tests import factories
from tests.chaos.audit import audit
from tests.jobs.usage_lines import OLD, add_up, line, on, today, told
from tests.rehearsal import rehearsed
from tests.rows import account

pytestmark = pytest.mark.usefixtures("database")

SEED = 20261122
SETTINGS = Settings(usage_days=90)
AGES = ("today", 0), ("yesterday", 1), ("the day before", 2), ("a week ago", 7), ("long ago", 100)

LINES = "select count(*) from usage_line where account_id = %s and day = %s"
KEPT = "select coalesce(sum(calls), 0)::integer from usage_day where account_id = %s and is_kept"


def test_what_was_added_up_is_what_its_detail_was(database: Pool) -> None:
    who = account()
    line(who, OLD, 7, charged=4)
    line(who, OLD, 0, is_borne=True, vendor_nano=9)
    line(who, OLD, 2, mode="test")

    add_up()

    sums = "select mode, calls, cost_nano, borne_calls, borne_nano from usage_day order by mode, 2"
    assert database.rows(sums) == [("live", 1, 4, 1, 9), ("test", 1, 2, 0, 0)]
    assert on(who, OLD) == (1, 3, 1, 4)
    assert told(who, OLD, today(), "test") == (1, 3, 1, 2)


@pytest.mark.parametrize("age", [days for _, days in AGES], ids=[name for name, _ in AGES])
def test_a_line_of_any_age_counts_before_and_after_it_is_added_up(age: int) -> None:
    who, day = account(), today() - timedelta(days=age)
    line(who, day)
    add_up()
    line(who, day)
    before = on(who, day)

    add_up()

    assert before == on(who, day) == (2, 6, 2, 10)


def test_days_without_a_scheduler_are_made_up_for(database: Pool) -> None:
    who, first = account(), datetime.now(UTC)
    add_up()
    for days in range(18):
        moment = first + timedelta(days=days)
        with rehearsed(database, moment):
            line(who, moment.date())

    with rehearsed(database, first + timedelta(days=40)):
        add_up()

    start = first.date()
    assert told(who, start, start + timedelta(days=30)) == (18, 54, 18, 90)
    assert database.rows("select count(distinct day) from usage_day") == [(18,)]


class BusyPulse(Pulse):
    """A run during which an account goes on to use something."""

    def __init__(self, who: UUID) -> None:
        super().__init__(SystemClock(), 600)
        self.who = who
        self.today = today()
        self.checks = 0

    def check(self) -> None:
        self.checks += 1
        assert self.checks < 20, "it does not end"
        for day in (self.today, OLD):
            line(self.who, day)


def test_what_is_used_meanwhile_is_left_for_the_next_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_rollup, "AT_ONCE", 1)
    add_up()
    who = account()
    busy = BusyPulse(who)
    busy_days = [busy.today, *(OLD - timedelta(days=age) for age in range(3))]
    for day in busy_days:
        line(who, day)

    assert roll_up(busy) == len(busy_days)

    used = busy.checks + 1
    assert (on(who, busy.today)[0], on(who, OLD)[0]) == (used, used)


def test_old_detail_goes_with_its_holds_and_stays_counted(database: Pool) -> None:
    who, now = account(), today()
    line(who, OLD, charged=4)
    line(who, now, charged=4)
    factories.hold(who, state="released", day=OLD)
    factories.hold(who, state="held", day=OLD)
    add_up()

    assert forget_detail(SETTINGS) == 2

    assert database.rows(LINES, (who, OLD)) == [(0,)]
    assert database.rows("select state, day from credit_hold order by state") == [
        ("held", OLD),
        ("settled", now),
    ]
    assert told(who, OLD, now + timedelta(days=1)) == (2, 6, 2, 8)


def test_a_late_line_of_a_day_whose_detail_is_gone_is_counted(database: Pool) -> None:
    who = account()
    line(who, OLD)
    add_up()
    forget_detail(SETTINGS)

    for calls in (2, 3):
        line(who, OLD)
        assert on(who, OLD) == (calls, 3 * calls, calls, 5 * calls)
        add_up()
        assert on(who, OLD) == (calls, 3 * calls, calls, 5 * calls)
        assert forget_detail(SETTINGS) == 1
        assert database.rows(KEPT, (who,)) == [(calls,)]
    assert database.rows(LINES, (who, OLD)) == [(0,)]


@pytest.mark.parametrize("spoil", ["marked", "not added up", "younger", "other sums"])
def test_detail_stays_that_its_sums_do_not_confirm(
    database: Pool, pools: tuple[Pool, Pool], spoil: str
) -> None:
    who, day = account(), OLD if spoil != "younger" else today() - timedelta(days=88)
    line(who, day)
    if spoil != "not added up":
        add_up()
    if spoil == "marked":
        line(who, day)
    elif spoil == "other sums":
        pools[1].rows("update usage_day set cost_nano = cost_nano + 1 returning 1")
    ((lines,),) = database.rows(LINES, (who, day))

    assert forget_detail(SETTINGS) == 0

    assert database.rows(LINES, (who, day)) == [(lines,)]


def test_nobody_has_detail_deleted_that_is_young(database: Pool) -> None:
    with pytest.raises(Exception, match="30 days at least"):
        database.rows("select usage_retire(%s, %s, 29, 1)", (new_id(), OLD))


def test_a_day_goes_some_jobs_at_a_time_and_adds_up_all_the_while(database: Pool) -> None:
    who = account()
    for _ in range(5):
        line(who, OLD)
    add_up()

    for left in (3, 1, 0):
        database.rows("select usage_retire(%s, %s, 90, 2)", (who, OLD))
        assert database.rows(LINES, (who, OLD)) == [(left,)]
        assert on(who, OLD) == (5, 15, 5, 25)


def test_usage_is_what_a_plain_sum_says_whatever_happens_to_it(database: Pool) -> None:
    """Lines of 200 days, on time and late, while days are added up and forgotten at random."""
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    accounts = [account() for _ in range(3)]
    plain: list[tuple[UUID, date, str, int]] = []
    moment = datetime.combine(today(), datetime.min.time(), UTC) + timedelta(days=1, hours=1)
    for _ in range(200):
        moment += timedelta(hours=24)
        with rehearsed(database, moment):
            for _ in range(chance.randrange(4)):
                _step(chance, accounts, moment.date(), plain)
            if chance.random() < 0.4:
                add_up()
            if chance.random() < 0.2:
                forget_detail(SETTINGS)
            _compare(chance.choice(accounts), moment.date(), plain, chance)
    with rehearsed(database, moment):
        for who in accounts:
            _compare(who, moment.date(), plain, chance, most=400)
    kept = database.rows("select count(*) from usage_day where is_kept and calls > 0")
    assert kept > [(20,)], "something was forgotten"


def test_the_audit_finds_sums_that_are_not_those_of_their_detail(
    database: Pool, pools: tuple[Pool, Pool]
) -> None:
    who = account()
    line(who, OLD, charged=5)
    line(who, OLD - timedelta(days=1), charged=6)
    database.rows("update account set lifetime_nano = 11 where id = %s", (who,))
    add_up()
    assert _broken(database) == []
    forget_detail(SETTINGS)
    line(who, OLD, 0)
    add_up()
    assert _broken(database) == []

    pools[1].rows("update usage_day set calls = calls + 1 where not is_kept returning 1")
    assert _broken(database) == ["B9 a day is the sum of its detail, unless it is marked"]
    pools[1].rows("update usage_day set cost_nano = cost_nano + 1 where is_kept returning 1")
    assert len(_broken(database)) == 2


def _broken(database: Pool) -> list[str]:
    return [each.invariant for each in audit(database) if each.breaches and "B9" in each.invariant]


def _step(
    chance: random.Random,
    accounts: list[UUID],
    today: date,
    plain: list[tuple[UUID, date, str, int]],
) -> None:
    who, cost = chance.choice(accounts), chance.randrange(1_000)
    late = chance.choice((0, 0, 0, 1, 2, 3, chance.randrange(150)))
    day, llm = today - timedelta(days=late), chance.choice(("small", "large"))
    charged = chance.choice((None, cost, cost // 2))
    line(who, day, cost, charged=charged, llm=llm)
    plain.append((who, day, llm, cost if charged is None else charged))


def _compare(
    who: UUID,
    today: date,
    plain: list[tuple[UUID, date, str, int]],
    chance: random.Random,
    most: int = 120,
) -> None:
    start, end = today - timedelta(days=chance.randrange(most)), today + timedelta(days=1)
    mine = [(day, llm, cost) for whose, day, llm, cost in plain if whose == who and start <= day]
    found = usage(Whose(account_id=who, mode="live"), start, end)
    assert (found.total.calls, found.total.cost.amount) == (len(mine), sum(c for *_, c in mine))
    for name, parts in (("llm", found.by_llm), ("day", found.days)):
        sums: dict[str, int] = {}
        for day, llm, cost in mine:
            key = llm if name == "llm" else day.isoformat()
            sums[key] = sums.get(key, 0) + cost
        assert {part.name: part.sum.cost.amount for part in parts} == sums
