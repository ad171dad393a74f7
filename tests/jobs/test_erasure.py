"""Erasure: of who has left, nothing is left but what the books need (Z-05).

`FATES` says of every table what a purge does to it; a table that is not in it fails the test.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import redis
from peewee import ProgrammingError

from jobs.erasure import PurgePerson, purge_leavers, purge_person
from jobs.queue import Queue
from jobs.run import LeaseLost
from jobs.shredding import STEPS, Shredder
from jobs.streams import Streams, stream_key
from models.accounts import Person
from models.books import Book, StoredFile
from models.chats import Chat
from models.jobs import JobRow, Lane
from models.kernel.blobs import open_blobs
from models.kernel.cache import open_cache
from models.kernel.clock import SystemClock
from models.kernel.database import Pool
from models.kernel.errors import Unavailable
from models.kernel.settings import Settings
from models.oauth import App, Grant
from models.people import AuditEntry
from tests import factories
from tests.fakes.run import FakeRun
from tests.jobs.households import EMAIL, MARK, Household
from tests.making import person

GONE = "gone"
KEPT = "kept: bookkeeping, without personal data"
NOBODYS = "nobody's"
OTHERS = "gone; that others registered stays"
THEIRS = "gone, and what was granted to their apps; others' apps stay"

FATES = {
    "account": KEPT, "credit_hold": KEPT, "ledger_entry": KEPT, "usage_line": KEPT,
    "audit_entry": KEPT, "generation": KEPT, "credit_period": KEPT, "plan": NOBODYS,
    "usage_day": KEPT, "usage_dirty": KEPT, "statement": KEPT, "usage_rolled": NOBODYS,
    "statement_paper": GONE, "money_letter": GONE,
    "purchase": KEPT, "ledger_note": KEPT,
    "person": "a tombstone",
    "llm_call": "counted on, for nobody",
    "api_key": GONE, "key_usage": GONE, "login_session": GONE, "login_attempt": GONE,
    "oauth_app": THEIRS, "oauth_grant": THEIRS, "oauth_authorization": GONE,
    "membership": GONE, "team_member": GONE, "invitation": GONE,
    "identity": GONE, "sign_in": GONE, "issuer": NOBODYS,
    "factor": GONE, "passkey": GONE, "recovery_code": GONE, "proof": GONE,
    "person_preferences": GONE, "rate_limit": GONE,
    "chat": "but what is an organization's",
    "message": GONE, "message_feedback": GONE, "prompt": GONE,
    "cached_answer": GONE, "budget": GONE, "flag": GONE, "forgotten_answer": GONE,
    "idempotency_key": GONE, "job": GONE, "lane": GONE, "event": OTHERS, "file": GONE,
    "batch": GONE, "batch_line": GONE, "book": GONE, "page": GONE, "page_text": GONE,
    "page_wish": GONE, "stored_file": GONE,
    "webhook": GONE, "webhook_secret": GONE, "webhook_delivery": GONE, "webhook_attempt": GONE,
    "organization": NOBODYS, "team": "the organization's",
    "custom_role": NOBODYS, "ip_rule": NOBODYS,
    "guess": NOBODYS, "used_challenge": NOBODYS, "signing_key": NOBODYS, "queue_control": NOBODYS,
    "alert": NOBODYS, "experiment": NOBODYS, "experiment_answer": NOBODYS,
    "schema_migration": NOBODYS, "scheduled_run": NOBODYS,
}  # fmt: skip
"""`guess` holds digests, forgotten after a day; `experiment_answer` names a job that is gone."""

OF_THEIRS = "select count(*) from event where account_id = %s"
TABLES = "select tablename from pg_tables where schemaname = 'public'"
NOT_DUE: list[dict[str, Any]] = [
    {"status": "active"},
    {"purge_at": SystemClock().now() + timedelta(days=1)},
    {"purged_at": SystemClock().now()},
]
PEOPLES = {"account_id", "person_id", "user_id", "owner_id", "actor_id"}
COLUMNS = "select table_name, column_name from information_schema.columns"


@pytest.fixture
def tools(database: Pool, queue: Queue, settings: Settings, tmp_path: Any) -> Iterator[Shredder]:
    cache = open_cache(settings)
    streams = Streams(cache, SystemClock(), 600)
    blobs = open_blobs(Settings(home=tmp_path))
    yield Shredder(queue=queue, streams=streams, blobs=blobs, clock=SystemClock())
    cache.close()


@pytest.fixture
def home(tools: Shredder) -> Household:
    """Somebody who has left, and whose grace is over."""
    past = SystemClock().now() - timedelta(minutes=1)
    who = person(email=EMAIL, name=MARK, status="deleted", purge_at=past)
    return Household(who, tools.blobs, b"their book")


def purge(home: Household, tools: Shredder, run: FakeRun | None = None) -> bool:
    run = run or FakeRun()
    return bool(purge_person(PurgePerson(home.who.id), tools, run).result["purged"])


def counts(database: Pool) -> dict[str, int]:
    names = [name for (name,) in database.rows(TABLES)]
    return {name: database.rows(f"select count(*) from {name}")[0][0] for name in names}


def everything(database: Pool) -> str:
    """Return every row of every table as text."""
    return "\n".join(
        str(database.rows(f"select {name}::text from {name}")) for (name,) in database.rows(TABLES)
    )


def test_of_every_table_it_is_said_what_a_purge_does_to_it(database: Pool) -> None:
    assert {name for (name,) in database.rows(TABLES)} == set(FATES)

    holders = {table for table, column in database.rows(COLUMNS) if column in PEOPLES}
    assert {name for name in holders & set(FATES) if FATES[name] == NOBODYS} == set()


def test_every_table_has_met_the_fate_it_is_said_to(
    database: Pool, home: Household, tools: Shredder
) -> None:
    before = counts(database)
    filled = {name for name, fate in FATES.items() if fate != NOBODYS}
    assert {name for name in filled if not before[name]} == set()

    run = FakeRun()
    assert purge(home, tools, run)

    after = counts(database)
    gone = {name for name, fate in FATES.items() if fate == GONE}
    run_of_the_purge = {"job": 1}
    assert {name: after[name] for name in gone if after[name]} == run_of_the_purge
    assert database.rows(OF_THEIRS, (home.who.account_id,)) == [(0,)]
    kept = {name for name, fate in FATES.items() if fate == KEPT} - {"audit_entry"}
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert next(entry.action for entry in AuditEntry.about(home.who.id)) == "user.purged"
    assert database.rows("select distinct account_id::text from llm_call") == [
        ("00000000-0000-0000-0000-000000000000",)
    ]


def test_no_row_anywhere_tells_a_name_an_address_or_a_word_of_theirs(
    database: Pool, home: Household, tools: Shredder
) -> None:
    assert MARK in everything(database)

    purge(home, tools)

    left = everything(database)
    assert not [word for word in (MARK, EMAIL) if word in left]
    tomb = Person.by_id(home.who.id)
    assert (tomb.name, tomb.status, tomb.password_hash) == ("Deleted user", "deleted", "")
    assert factories.person(email=EMAIL)


def test_their_apps_go_with_what_others_granted_them(home: Household, tools: Shredder) -> None:
    me, strangers = home.who.id, App.select().where(App.user != home.who.id).count()

    purge(home, tools)

    assert (App.get_or_none(App.user == me), Grant.get_or_none(Grant.user == me)) == (None, None)
    assert Grant.get_or_none(Grant.id == home.granted_to_them.id) is None
    assert App.select().count() == strangers > 0


def test_what_they_wrote_for_an_organization_stays_its_own(
    home: Household, tools: Shredder
) -> None:
    purge(home, tools)

    assert Chat.get_by_id(home.shared.id).title == "Of us all"


def test_every_blob_of_theirs_is_gone(home: Household, tools: Shredder) -> None:
    assert len(home.blobs_left) == 6

    purge(home, tools)

    assert home.blobs_left == []


def test_a_stream_of_theirs_is_gone_from_redis(
    home: Household, tools: Shredder, settings: Settings
) -> None:
    cache: redis.Redis = open_cache(settings)
    cache.xadd(stream_key(home.jobs[0].id), {"e": MARK})

    purge(home, tools)

    assert not cache.exists(stream_key(home.jobs[0].id))
    cache.close()


def test_others_keep_everything_and_a_file_two_have_is_kept_for_the_other(
    database: Pool, home: Household, tools: Shredder
) -> None:
    other = person()
    shared = factories.book(other, b"their book")
    mine = factories.book(other, b"another book")
    chat = factories.chat(other, book_id=home.book.id)

    purge(home, tools)

    assert {book.id for book in Book.select()} == {shared.id, mine.id}
    assert StoredFile.select().count() == 2
    assert home.blobs_left == [home.keys[0]]
    assert database.rows("select book_id from chat where id = %s", (chat.id,)) == [(None,)]


@pytest.mark.parametrize("after", range(0, 20, 2))
def test_a_worker_that_dies_between_any_two_steps_is_made_up_for(
    database: Pool, home: Household, tools: Shredder, after: int
) -> None:
    with pytest.raises(LeaseLost):
        purge(home, tools, FakeRun(stops=LeaseLost(), after=after))
    assert Person.by_id(home.who.id).purged_at is None

    assert purge(home, tools)

    assert home.blobs_left == []
    assert MARK not in everything(database)


@pytest.mark.parametrize("given", NOT_DUE, ids=["back", "early", "purged"])
def test_who_is_not_due_is_left_alone(
    database: Pool, home: Household, tools: Shredder, given: dict[str, Any]
) -> None:
    Person.update(**given).where(Person.id == home.who.id).execute()
    before = everything(database).count(MARK)

    assert not purge(home, tools)
    assert everything(database).count(MARK) == before


def test_what_still_runs_is_stopped_first(home: Household, tools: Shredder) -> None:
    Lane.update(in_flight=2).where(Lane.account_id == home.who.account_id).execute()
    waiting = factories.job(home.who.account_id, dispatched_at=SystemClock().now())
    running = factories.job(
        home.who.account_id, state="running", lease_until=factories.LATER, attempt=1
    )

    with pytest.raises(Unavailable):
        purge(home, tools)

    assert JobRow.get_by_id(waiting.id).state == "cancelled"
    assert JobRow.get_by_id(running.id).cancel_requested_at is not None
    assert len(home.blobs_left) == 6


def test_a_purge_is_queued_once_when_it_is_due(home: Household, queue: Queue) -> None:
    person(status="deleted", purge_at=factories.LATER)
    person(status="deleted", purge_at=None)

    for _ in range(3):
        assert purge_leavers(queue, SystemClock()) == 1

    (row,) = JobRow.select().where(JobRow.type == PurgePerson.name)
    assert row.subject_id == home.who.id


@pytest.mark.parametrize("given", NOT_DUE, ids=["back", "early", "purged"])
def test_the_program_can_forget_nobody_who_is_not_due(
    database: Pool, given: dict[str, Any]
) -> None:
    past = SystemClock().now() - timedelta(minutes=1)
    somebody = person(**{"status": "deleted", "purge_at": past, **given})

    assert database.rows("select person_forget(%s, 100)", (somebody.id,)) == [(0,)]
    assert database.rows("select count(*) from event") == [(1,)]
    with pytest.raises(ProgrammingError, match="permission denied"):
        database.rows("delete from event")


def test_the_steps_are_these_and_in_this_order() -> None:
    names: list[Callable[..., Any]] = list(STEPS)

    assert [step.__name__ for step in names] == [
        "stop", "books", "batches", "files", "rows", "webhooks", "jobs", "history", "own_folder",
    ]  # fmt: skip
