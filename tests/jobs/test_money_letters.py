"""Letters about money: what was spent, for who wishes; budgets and credits, to the owner; once."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from jobs.mail import HOUSE, Mail
from jobs.money_letters import (
    SendNotice,
    SendSummary,
    send_notice,
    send_notices,
    send_summaries,
    send_summary,
)
from jobs.queue import Queue
from models.accounts import Person
from models.jobs import JobRow
from models.kernel.database import Pool
from models.kernel.errors import Unavailable
from tests import factories
from tests.fakes.run import FakeRun
from tests.jobs.usage_lines import line, today
from tests.making import person
from tests.organization_factories import membership, organization

pytestmark = pytest.mark.usefixtures("database")

ONE_DAY = pytest.mark.usefixtures("_one_day")

AMOUNTS = {"spent_nano_usd": "810000000", "amount_nano_usd": "1000000000", "percent": 80}


def yesterday() -> date:
    return today() - timedelta(days=1)


@pytest.fixture
def _one_day(database: Pool) -> Iterator[None]:
    """No day ends while a test looks at it."""
    with database.unit():
        yield


class FakeOffice:
    """Keeps what is posted; `faults` are refused first."""

    def __init__(self, faults: int = 0) -> None:
        self.mails: list[Mail] = []
        self.faults = faults

    def post(self, mail: Mail) -> None:
        if self.faults:
            self.faults -= 1
            raise Unavailable("the mail server does not answer")
        self.mails.append(mail)


@pytest.fixture
def office() -> FakeOffice:
    return FakeOffice()


def wishing(every: str = "daily", **given: Any) -> Person:
    """Somebody who wishes for summaries."""
    who = person(**given)
    factories.person_preferences(
        person_id=who.id, kept={"notifications": {"costSummary": every, "email": True}}
    )
    return who


def asked() -> list[JobRow]:
    wanted = JobRow.type.in_([SendSummary.name, SendNotice.name])
    return list(JobRow.select().where(wanted).order_by(JobRow.id))


def carry_out(office: FakeOffice, run: FakeRun | None = None) -> list[bool]:
    """Do the work of every letter that was asked for."""
    kinds: dict[str, tuple[Any, Callable[..., Any]]] = {
        SendSummary.name: (SendSummary, send_summary),
        SendNotice.name: (SendNotice, send_notice),
    }
    done = []
    for row in asked():
        kind, work = kinds[row.type]
        outcome = work(kind.from_input(row.input), office, "http://here", run or FakeRun())
        done.append(outcome.result["sent"])
    return done


def event(who: Person | UUID, kind: str, **data: Any) -> None:
    account_id = who if isinstance(who, UUID) else who.account_id
    name = "budget" if kind == "budget.alert" else "credits"
    factories.event(account_id, type=kind, data={name: {**AMOUNTS, **data}})


@ONE_DAY
def test_a_summary_tells_what_was_spent_against_last_time(queue: Queue, office: FakeOffice) -> None:
    who = wishing()
    calls = (7_000_000, "large", 1), (13, "small", 1), (5, "old", 2), (99, "new", 0)
    for cost, llm, age in calls:
        line(UUID(str(who.account_id)), today() - timedelta(days=age), cost, llm=llm)

    assert send_summaries(queue) == 1
    assert carry_out(office) == [True]

    (mail,) = office.mails
    assert mail.to == who.email
    for words in (
        f"From {yesterday()} to {yesterday()}",
        "spent $0.007000013 in 2 calls",
        "before it was $0.000000005",
        "  large: $0.007 in 1 calls\n  small: $0.000000013 in 1 calls",
        '{"notifications": {"costSummary": "off"}}',
    ):
        assert words in mail.text
    assert "new" not in mail.text.split("By model")[1].split("Budgets")[0]


@ONE_DAY
@pytest.mark.parametrize("every", ["daily", "weekly", "monthly"])
def test_a_summary_is_asked_for_once_a_span(queue: Queue, every: str) -> None:
    wishing(every)
    wishing("off")
    person()

    assert (send_summaries(queue), send_summaries(queue)) == (1, 0)

    (row,) = asked()
    first = datetime.fromisoformat(row.input["first"])
    past = datetime.fromisoformat(row.input["past"])
    assert past.date() <= today()
    lengths = {"daily": {1}, "weekly": {7}, "monthly": {28, 29, 30, 31}}
    assert (past - first).days in lengths[every]
    assert {"daily": True, "weekly": first.weekday() == 0, "monthly": first.day == 1}[every]


@ONE_DAY
def test_schedulers_that_ask_at_once_have_one_letter_sent(
    database: Pool, queue: Queue, office: FakeOffice
) -> None:
    who = wishing()
    line(UUID(str(who.account_id)), yesterday())
    send_summaries(queue)
    database.rows("delete from money_letter")

    send_summaries(queue)

    assert carry_out(office) == [True]
    assert carry_out(office) == [False]
    assert len(office.mails) == 1


@ONE_DAY
def test_a_letter_that_could_not_be_sent_is_sent_later(queue: Queue, office: FakeOffice) -> None:
    who = wishing()
    line(UUID(str(who.account_id)), yesterday())
    send_summaries(queue)
    office.faults = 1

    with pytest.raises(Unavailable):
        carry_out(office)
    assert carry_out(office) == [True]


@ONE_DAY
def test_nothing_spent_is_not_told_unless_a_budget_did(queue: Queue, office: FakeOffice) -> None:
    quiet, alerted = wishing(), wishing()
    moment = datetime.combine(yesterday(), datetime.min.time(), UTC)
    factories.event(alerted.account_id, type="budget.alert", created_at=moment, data={})
    send_summaries(queue)

    carry_out(office)

    assert [mail.to for mail in office.mails] == [alerted.email] != [quiet.email]
    assert "Budgets that told of themselves: 1." in office.mails[0].text


@ONE_DAY
@pytest.mark.parametrize("change", ["off", "weekly", "suspended"])
def test_who_has_thought_better_of_it_has_no_letter(
    database: Pool, queue: Queue, office: FakeOffice, change: str
) -> None:
    who = wishing()
    line(UUID(str(who.account_id)), yesterday())
    send_summaries(queue)
    if change == "suspended":
        database.rows("update person set status = 'suspended' where id = %s", (who.id,))
    else:
        kept = f'{{"notifications": {{"costSummary": "{change}"}}}}'
        database.rows("update person_preferences set kept = %s::jsonb", (kept,))

    assert carry_out(office) == [False]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("budget.alert", "80 % of a budget of $1 at http://here are spent: $0.81."),
        ("credits.soft_limit", "Your balance is $0.5, of\nwhich $0.1 are held"),
        ("credits.grace_started", "Your balance is $0.5."),
    ],
)
def test_the_owner_is_told_once_of_what_happens_to_their_money(
    queue: Queue, office: FakeOffice, kind: str, words: str
) -> None:
    who = person()
    event(who, kind, balance_nano_usd="500000000", held_nano_usd="100000000")
    event(who, "job.succeeded")

    assert (send_notices(queue), send_notices(queue)) == (1, 0)
    assert carry_out(office) == [True]

    (mail,) = office.mails
    assert (mail.to, words in mail.text) == (who.email, True)
    assert carry_out(office) == [False]


def test_without_room_for_letters_nothing_is_asked_for_until_there_is(
    database: Pool, queue: Queue
) -> None:
    for _ in range(2):
        event(wishing(), "budget.alert")
    full = "insert into lane (account_id, queue, in_flight, waiting) values (%s, 'mail', %s, %s)"
    database.rows(full, (HOUSE.account_id, 10_000, 50_000))

    with capture_logs() as logs:
        assert (send_notices(queue), send_summaries(queue)) == (0, 0)

    assert [line["event"] for line in logs] == ["mail.room_full"] * 2
    assert asked() == []
    database.rows("update lane set in_flight = 0, waiting = 0")
    assert (send_notices(queue), send_summaries(queue)) == (2, 2)


def test_of_an_organizations_money_its_owners_are_told(queue: Queue, office: FakeOffice) -> None:
    owner, member = person(), person()
    home = organization()
    membership(owner, account_id=home.id, role="owner")
    membership(member, account_id=home.id)
    event(UUID(str(home.id)), "budget.alert")

    send_notices(queue)
    carry_out(office)

    assert [mail.to for mail in office.mails] == [owner.email]


def test_who_wants_no_mail_has_none_and_old_events_are_not_told(
    queue: Queue, office: FakeOffice
) -> None:
    silent, late = person(), person()
    factories.person_preferences(person_id=silent.id, kept={"notifications": {"email": False}})
    event(silent, "budget.alert")
    long_ago = datetime.now(UTC) - timedelta(days=3)
    factories.event(late.account_id, type="budget.alert", created_at=long_ago, data={})

    assert send_notices(queue) == 1
    assert carry_out(office) == [False]
