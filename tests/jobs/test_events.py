"""Events about people and answers: told by whatever changes them, and forgotten in time."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import redis
from peewee import SQL, DatabaseError, ProgrammingError

from jobs.accounts import NewPerson, register, rename
from jobs.audit import Actor
from jobs.avatars import take_off
from jobs.departures import depart
from jobs.events import AT_ONCE, forget_events
from jobs.people import change
from jobs.proofs import VERIFY
from jobs.queue import Queue
from jobs.run import FinalFailure
from models import engine
from models.accounts import Person
from models.events import Event
from models.kernel.blobs import open_blobs
from models.kernel.clock import SystemClock
from models.kernel.database import Pool, database
from models.kernel.errors import Cancelled, DuplicateResource
from models.kernel.ids import new_id, wire_id
from models.kernel.settings import Settings
from models.roles import permissions_of
from tests import factories
from tests.jobs.chats.conftest import Table
from tests.jobs.logins import EMAIL, HOME, PASSWORD, House
from tests.rows import WINDOW, grant

DAYS = 90
SET_AVATAR = "update person set avatar = %s, updated_at = now() where id = %s"


def told(person: Person, kind: str = "user.updated") -> list[dict[str, Any]]:
    """Return what was told of a kind about a person, in order."""
    rows = Event.select().where(Event.account_id == person.account_id, Event.type == kind)
    return [row.data for row in rows.order_by(SQL("written_by, seq"))]


@pytest.fixture
def house(queue: Queue) -> House:
    return House(queue)


def chief() -> Actor:
    return Actor(
        person_id=factories.person(role="super_admin").id,
        permissions=permissions_of("super_admin"),
        request_id="req_1",
    )


def test_who_registers_is_told_of_once_with_nothing_that_is_secret(house: House) -> None:
    with pytest.raises(DuplicateResource):
        register(NewPerson(email=EMAIL, password=PASSWORD), house.clock)

    (event,) = Event.select()
    assert (event.type, event.mode, event.account_id) == (
        "user.registered", "live", house.ada.account_id
    )  # fmt: skip
    assert (event.data["user"]["id"], event.data["user"]["email"]) == (
        wire_id("user", house.ada.id), EMAIL
    )  # fmt: skip
    assert "argon2" not in str(event.data)


CHANGES: dict[str, tuple[Callable[[House, Settings], object], list[str]]] = {
    "a name": (lambda house, _: rename(house.ada.id, "Countess", house.clock), ["name"]),
    "an address is shown to be theirs": (
        lambda house, _: house.recovery.verify(house.letter(VERIFY)[0], HOME), ["emailVerified"],
    ),
    "an avatar": (lambda house, _: database.rows(SET_AVATAR, ("a", house.ada.id)), ["avatar"]),
    "a tier, and the role with it": (
        lambda house, _: change(house.ada.id, {"tier": "premium"}, chief(), house.clock),
        ["role", "tier"],
    ),
    "a role": (
        lambda house, _: change(house.ada.id, {"role": "moderator"}, chief(), house.clock),
        ["role"],
    ),
    "a standing": (
        lambda house, _: change(house.ada.id, {"status": "suspended"}, chief(), house.clock),
        ["status"],
    ),
    "leaving": (lambda house, _: depart(house.ada, house.clock), ["status"]),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_of_a_user_is_told_once_by_the_names_of_what_changed(
    house: House, settings: Settings, what: str
) -> None:
    if "address" in what:
        house.recovery.resend(EMAIL, HOME)
    deed, names = CHANGES[what]

    deed(house, settings)

    (data,) = told(house.ada)
    fresh = Person.get_by_id(house.ada.id)
    assert data["changed"] == names
    assert (data["user"]["name"], data["user"]["status"]) == (fresh.name, fresh.status)
    assert data["user"]["hasAvatar"] is (fresh.avatar is not None)


def test_an_avatar_that_takes_anothers_place_and_one_taken_off_are_told(
    house: House, tmp_path: Any
) -> None:
    for digest in ("a", "b"):
        database.rows(SET_AVATAR, (digest, house.ada.id))
    take_off(house.ada.id, open_blobs(Settings(home=tmp_path)))

    seen = [(data["changed"], data["user"]["hasAvatar"]) for data in told(house.ada)]
    assert seen == [(["avatar"], True), (["avatar"], True), (["avatar"], False)]


def test_what_is_nobodys_news_is_not_told(house: House) -> None:
    house.login()
    rename(house.ada.id, house.ada.name, house.clock)
    Person.update(ai_preferences={"safety": "strict"}, password_hash="another").execute()

    assert told(house.ada) == []


def test_a_change_that_is_rolled_back_is_not_told(house: House) -> None:
    with database.atomic() as transaction:
        rename(house.ada.id, "Nobody", house.clock)
        seen = len(told(house.ada))
        transaction.rollback()

    assert seen == 1

    assert told(house.ada) == []


def test_a_tombstone_is_not_told_of(house: House) -> None:
    person = Person.get_by_id(house.ada.id)
    person.name, person.email, person.purged_at = "Deleted user", "x", SystemClock().now()
    person.save()

    assert told(house.ada) == []


@pytest.fixture
def table(queue: Queue, cache: redis.Redis) -> Table:
    person = factories.person()
    grant(person.account_id, 10**12)
    return Table(queue, cache, person)


def test_an_answer_is_told_of_with_what_it_used(table: Table) -> None:
    row = table.ask()
    outcome = table.answered(row)

    (data,) = told(table.person, "ai.session.completed")
    message = data["message"]
    assert data["session"] == {
        "id": wire_id("chat", table.chat.id), "userId": wire_id("user", table.person.id),
        "bookId": None,
    }  # fmt: skip
    assert (message["id"], message["jobId"]) == (wire_id("msg", row.id), wire_id("job", row.id))
    assert (message["status"], message["finishReason"]) == ("complete", "stop")
    assert (message["model"], message["vendor"]) == ("gpt-4o-mini", "openai")
    assert message["usage"] == {
        "promptTokens": 1_000, "completionTokens": 200, "totalTokens": 1_200,
        "costNanoUsd": str(outcome.cost.amount),
    }  # fmt: skip
    assert "sea" not in str(data)


def test_an_answer_that_is_cut_short_is_told_of_as_partial(table: Table) -> None:
    row = table.ask()
    with pytest.raises(FinalFailure):
        table.answered(row, stops=Cancelled(), after=1)

    (data,) = told(table.person, "ai.session.completed")
    assert (data["message"]["status"], data["message"]["finishReason"]) == ("partial", "cancelled")
    assert int(data["message"]["usage"]["costNanoUsd"]) > 0


def test_an_answer_that_came_to_nothing_is_told_of_by_its_job_alone(table: Table) -> None:
    row = table.ask()
    assert engine.claim(row.id, "worker", 60.0) is not None
    database.rows("select job_retry(%s, 1, 9999999, 'UPSTREAM_ERROR', 'gone', 4)", (row.id,))

    assert table.answer(row).status == "failed"
    assert told(table.person, "ai.session.completed") == []
    assert len(told(table.person, "job.failed")) == 1


def test_an_answer_cancelled_while_it_waited_is_told_of_once(table: Table) -> None:
    row = table.ask()
    engine.cancel(row, WINDOW)
    engine.cancel(row, WINDOW)

    (data,) = told(table.person, "ai.session.completed")
    assert (data["message"]["status"], data["message"]["usage"]["totalTokens"]) == ("partial", 0)


def test_events_are_forgotten_after_their_days_some_at_a_time(database: Pool) -> None:
    who, now = UUID(str(factories.account().id)), SystemClock().now()
    kept = factories.event(who, created_at=now - timedelta(days=DAYS - 1))
    for _ in range(3):
        factories.event(who, created_at=now - timedelta(days=DAYS + 1))
    many = (
        "insert into event (id, account_id, mode, type, data, created_at)"
        " select event_id(), %s, 'live', 'job.failed', '{}', now() - interval '91 days'"
        " from generate_series(1, %s)"
    )
    database.rows(many, (new_id(), AT_ONCE))

    assert [forget_events(DAYS) for _ in range(3)] == [AT_ONCE, 3, 0]
    assert [event.id for event in Event.select()] == [kept.id]


def test_nobody_forgets_events_of_these_weeks_or_others_by_hand(database: Pool) -> None:
    factories.event(created_at=SystemClock().now() - timedelta(days=20))

    with pytest.raises(DatabaseError, match="kept for 30 days at least"):
        forget_events(10)
    with pytest.raises(ProgrammingError, match="permission denied"):
        database.rows("delete from event")
    assert Event.select().count() == 1
