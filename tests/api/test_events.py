"""Events read in order: nothing twice in vain, nothing never, and nothing that is another's."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg2
import pytest

from models import events
from models.kernel.clock import SystemClock, wire_time
from models.kernel.database import Pool, database
from models.kernel.ids import new_id, wire_id
from models.kernel.settings import Settings
from models.migrate import migrate
from tests import factories
from tests.api.conftest import Open, code
from tests.api.reader import Reader
from tests.organization_factories import membership
from tests.streams import eventually

pytestmark = pytest.mark.usefixtures("database")

WRITE = """
insert into event (id, account_id, mode, type, data) values (%s, %s, 'live', 'book.updated', %s)
"""
MANY = """
insert into event (id, account_id, mode, type, data)
select event_id(), %s, 'live', 'job.failed', '{}' from generate_series(1, %s)
"""
SETTLED = """
select not exists (
    select from event where written_by >= pg_snapshot_xmin(pg_current_snapshot()))
"""
"""Whether no transaction runs that began before one which wrote an event: autovacuum's, say."""
REGISTERED = "user.registered"
NOT_ONES = timedelta(days=91)


@pytest.fixture
def told(ada: Reader) -> str:
    """Return the cursor after what Ada has been told so far: that she registered."""
    return str(feed(ada)["cursor"])


def feed(
    reader: Reader, after: str | None = None, *, waits: bool = True, **query: Any
) -> dict[str, Any]:
    """Ask for events, as soon as what there is has its place if it `waits`; return the answer."""
    if waits:
        eventually(lambda: database.rows(SETTLED) == [(True,)])
    asked = {**query, **({"after": after} if after else {})}
    answer = reader.get("/v1/events", params=asked)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json
    return body


def happens(reader: Reader, number: int = 0, **given: Any) -> UUID:
    """Have something happen to somebody's book."""
    return UUID(str(factories.event(reader.account_id, data={"number": number}, **given).id))


def numbers(told: dict[str, Any]) -> list[int]:
    return [each["data"]["number"] for each in told["data"]]


@contextmanager
def transaction(settings: Settings) -> Iterator[Callable[[UUID, int], str]]:
    """Write events in a transaction of another process, which commits at the end of the block."""
    connection = psycopg2.connect(settings.database_url)
    try:
        with connection, connection.cursor() as cursor:

            def write(account_id: UUID, number: int) -> str:
                event_id = new_id()
                values = (str(event_id), str(account_id), f'{{"number": {number}}}')
                cursor.execute(WRITE, values)
                return wire_id("evt", event_id)

            yield write
    finally:
        connection.close()


def test_an_event_is_told_as_the_contract_has_it(ada: Reader, told: str) -> None:
    ada.book()
    made = factories.event(ada.account_id, type="book.created", data={"book": {"title": "A"}})

    (event,) = feed(ada, told)["data"]

    moment = event.pop("timestamp")
    assert event == {
        "id": wire_id("evt", made.id), "type": "book.created", "data": {"book": {"title": "A"}},
    }  # fmt: skip
    assert datetime.fromisoformat(moment) == made.created_at.replace(
        microsecond=made.created_at.microsecond // 1_000 * 1_000
    )
    assert ada.get(f"/v1/events/{event['id']}").json == {**event, "timestamp": moment}


def test_without_a_cursor_the_oldest_comes_first_and_after_the_last_nothing(ada: Reader) -> None:
    happens(ada, 1)
    first = feed(ada)
    again = feed(ada, first["cursor"])

    assert [each["type"] for each in first["data"]] == [REGISTERED, "book.created"]
    assert (again["data"], again["cursor"], again["hasMore"]) == ([], first["cursor"], False)


def test_an_account_without_events_has_no_cursor(database: Pool, ada: Reader) -> None:
    stranger = factories.person()
    place = membership(stranger, role="owner").account_id
    key = Reader(ada.browser, stranger, account_id=place)

    assert feed(key) == {"data": [], "cursor": None, "hasMore": False}


def test_events_come_in_pieces_in_order(ada: Reader, told: str) -> None:
    for number in range(5):
        happens(ada, number)
    seen, answer = [], feed(ada, told, limit=2)
    seen += numbers(answer)
    while answer["hasMore"]:
        answer = feed(ada, answer["cursor"], limit=2)
        seen += numbers(answer)

    assert seen == [0, 1, 2, 3, 4]


def test_a_commit_that_comes_late_is_not_skipped(
    ada: Reader, told: str, settings: Settings
) -> None:
    """One transaction begins first and ends last; what came between waits for it."""
    with transaction(settings) as write:
        late = write(ada.account_id, 1)
        happens(ada, 2)
        between = feed(ada, told, waits=False)
    after = feed(ada, between["cursor"])

    assert (between["data"], between["cursor"]) == ([], told)
    assert numbers(after) == [1, 2]
    assert after["data"][0]["id"] == late


def test_who_takes_a_number_first_and_begins_later_comes_later(
    ada: Reader, told: str, settings: Settings
) -> None:
    """The number of what is written is not its place: its transaction's is."""
    with transaction(settings) as first:
        first(uuid4(), 0)
        with transaction(settings) as second:
            second(ada.account_id, 2)
            first(ada.account_id, 1)
    seen = feed(ada, told)

    assert numbers(seen) == [1, 2]
    assert numbers(feed(ada, seen["data"][0]["id"])) == [2]


def test_types_choose_and_the_cursor_passes_over_the_rest(ada: Reader, told: str) -> None:
    for kind in ("book.created", "job.failed", "book.cover.updated", "job.succeeded"):
        factories.event(ada.account_id, type=kind)

    books = feed(ada, told, types="book.*,job.succeeded")
    none = feed(ada, told, types="credits.*")

    assert [each["type"] for each in books["data"]] == [
        "book.created", "book.cover.updated", "job.succeeded",
    ]  # fmt: skip
    assert (none["data"], none["hasMore"]) == ([], False)
    assert feed(ada, none["cursor"])["data"] == []


def test_a_long_way_without_the_type_is_gone_in_steps(ada: Reader, told: str) -> None:
    database.rows(MANY, (ada.account_id, 2 * events.SPAN))
    happens(ada, 6)

    answers = [feed(ada, told, types="book.*")]
    while answers[-1]["hasMore"]:
        answers.append(feed(ada, answers[-1]["cursor"], types="book.*"))

    assert [numbers(answer) for answer in answers] == [[], [], [6]]


def test_others_and_other_modes_are_not_told(ada: Reader, bob: Reader, open_browser: Open) -> None:
    mine = wire_id("evt", happens(ada))
    test = Reader(open_browser(), ada.person, mode="test")

    assert feed(test) == {"data": [], "cursor": None, "hasMore": False}
    assert [each["type"] for each in feed(bob)["data"]] == [REGISTERED]
    for stranger in (test, bob):
        assert code(stranger.get(f"/v1/events/{mine}")) == (404, "NOT_FOUND")
        assert code(stranger.get(f"/v1/events?after={mine}")) == (404, "NOT_FOUND")


def test_what_may_not_be_read_is_refused_by_name_and_left_out_without(
    ada: Reader, open_browser: Open
) -> None:
    book = wire_id("evt", happens(ada))
    limited = Reader(open_browser(), ada.person, scopes=["jobs:read"])
    factories.event(ada.account_id, type="job.failed")

    assert [each["type"] for each in feed(limited)["data"]] == ["job.failed"]
    assert [each["type"] for each in feed(limited, types="*")["data"]] == ["job.failed"]
    assert code(limited.get("/v1/events?types=job.*,book.*")) == (403, "INSUFFICIENT_PERMISSIONS")
    assert code(limited.get(f"/v1/events/{book}")) == (404, "NOT_FOUND")
    assert [each["type"] for each in feed(limited, book)["data"]] == ["job.failed"]


@pytest.mark.parametrize(
    "query", ["after=odd", "after=job_1", "types=planet.*", "types=book", "limit=501", "limit=0"]
)
def test_an_odd_question_is_refused(ada: Reader, query: str) -> None:
    assert code(ada.get(f"/v1/events?{query}")) == (400, "VALIDATION_ERROR")


def test_after_an_event_that_is_forgotten_one_begins_anew(ada: Reader) -> None:
    old = SystemClock().now() - NOT_ONES
    forgotten = UUID(int=(int(old.timestamp() * 1_000) << 80) | new_id().int & ((1 << 80) - 1))

    assert events.made_at(forgotten) == old.replace(microsecond=old.microsecond // 1000 * 1000)
    assert code(ada.get(f"/v1/events?after={wire_id('evt', forgotten)}")) == (409, "CONFLICT")
    for unknown in (new_id(), uuid4()):
        answer = ada.get(f"/v1/events?after={wire_id('evt', unknown)}")
        assert code(answer) == (404, "NOT_FOUND")


def test_ids_that_sql_makes_say_when_too() -> None:
    ids = [UUID(str(made)) for ((made,),) in (database.rows("select event_id()") for _ in range(9))]
    now = SystemClock().now()

    assert len(set(ids)) == len(ids)
    assert {each.variant for each in ids} == {new_id().variant}
    moments = [events.made_at(each) for each in ids]
    assert all(made and abs(now - made) < timedelta(minutes=1) for made in moments)


def test_what_a_restored_dump_tells_of_is_told(
    ada: Reader, told: str, settings: Settings, pools: tuple[Pool, Pool]
) -> None:
    """Another server counts transactions anew; what is there is of the past all the same."""
    happens(ada, 1)
    pools[1].rows("update event set written_by = '900000000000000'::xid8")
    lost = feed(ada, told, waits=False)["data"]

    migrate(settings)
    happens(ada, 2)

    assert lost == []
    assert numbers(feed(ada, told)) == [1, 2]


def test_everybody_reads_what_there_is_to_be_told_of(ada: Reader, open_browser: Open) -> None:
    nobody = Reader(open_browser(), ada.person, scopes=["chats:read"])

    listed = nobody.get("/v1/events/types").json["data"]

    by_type = {each["type"]: each for each in listed}
    assert by_type["book.created"]["permission"] == "books:read"
    assert by_type["book.created"]["sample"]["book"]["format"] == "pdf"
    assert {name for name, each in by_type.items() if each["isComing"]} >= {"club.memberJoined"}
    assert not by_type["book.created"]["isComing"]


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 11, 20, 12, 0, 0, 999_999, tzinfo=UTC),
        datetime(2026, 1, 1, 0, 0, 0, 0, tzinfo=UTC),
        datetime(1999, 12, 31, 23, 59, 59, 500, tzinfo=UTC),
    ],
)
def test_sql_and_python_write_a_moment_alike(moment: datetime) -> None:
    assert database.rows("select wire_time(%s)", (moment,)) == [(wire_time(moment),)]
