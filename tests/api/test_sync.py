"""What has changed since a client last asked: nothing twice in vain, nothing never."""

import psycopg2
import pytest

from models.chats import Chat
from models.kernel.clock import SystemClock
from models.kernel.database import database
from tests.api.conftest import code, make_key
from tests.streams import eventually

pytestmark = pytest.mark.usefixtures("database")

SETTLED = """
select not exists (
    select from chat where changed_in >= pg_snapshot_xmin(pg_current_snapshot()))
"""
"""Whether no transaction runs that began before one which changed a chat: autovacuum's, say."""


def begin(browser, me, title):
    answer = browser.post("/v1/chats", headers=me, json={"title": title})
    assert answer.status_code == 201, answer.text
    return answer.json["id"]


def sync(browser, me, since=None, *, waits=True, **query):
    """Ask for changes, as soon as what there is has its place if it `waits`."""
    if waits:
        eventually(lambda: database.rows(SETTLED) == [(True,)])
    asked = {**query, **({"since": since} if since else {})}
    answer = browser.get("/v1/sync", headers=me, params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json


def titles(told):
    return [each["data"]["title"] for each in told["changes"]]


def test_without_a_cursor_everything_is_told_and_after_it_nothing(browser, me):
    begin(browser, me, "one")
    begin(browser, me, "two")
    first = sync(browser, me)
    again = sync(browser, me, first["cursor"])

    assert titles(first) == ["one", "two"]
    assert (again["changes"], again["tombstones"], again["hasMore"]) == ([], [], False)


def test_what_was_changed_is_told_as_it_is_now_and_what_was_deleted_as_gone(browser, me):
    kept, gone = begin(browser, me, "one"), begin(browser, me, "two")
    cursor = sync(browser, me)["cursor"]
    browser.request("PATCH", f"/v1/chats/{kept}", headers=me, json={"title": "new"})
    browser.request("DELETE", f"/v1/chats/{gone}", headers=me)
    told = sync(browser, me, cursor)

    assert titles(told) == ["new"]
    assert [each["id"] for each in told["tombstones"]] == [gone]
    assert told["changes"][0]["data"] == {
        name: value
        for name, value in browser.get(f"/v1/chats/{kept}", headers=me).json.items()
        if name != "messages"
    }


def test_changes_come_in_pieces_in_order(browser, me):
    for number in range(5):
        begin(browser, me, str(number))
    seen, told = [], sync(browser, me, limit=2)
    seen += titles(told)
    while told["hasMore"]:
        told = sync(browser, me, told["cursor"], limit=2)
        seen += titles(told)

    assert seen == ["0", "1", "2", "3", "4"]


def test_a_commit_that_comes_late_is_not_skipped(browser, me, settings):
    """One transaction begins first and ends last; what came between waits for it."""
    late = begin(browser, me, "late")
    cursor = sync(browser, me)["cursor"]
    connection = psycopg2.connect(settings.database_url)
    try:
        with connection.cursor() as running:
            running.execute("update chat set title = 'later' where title = 'late'")
        begin(browser, me, "early")
        between = sync(browser, me, cursor, waits=False)
        connection.commit()
    finally:
        connection.close()
    after = sync(browser, me, between["cursor"])

    assert titles(between) == []
    assert sorted(titles(after)) == ["early", "later"]
    assert late in {each["id"] for each in after["changes"]}


def test_others_and_other_modes_are_not_told(browser, me):
    begin(browser, me, "mine")
    key = make_key(browser, me, mode="test").json["key"]

    assert titles(sync(browser, {"X-API-Key": key})) == []


def test_a_type_that_may_not_be_read_is_refused_and_none_is_told_by_itself(browser, me):
    begin(browser, me, "mine")
    key = make_key(browser, me, scopes=["books:read"]).json["key"]
    limited = {"X-API-Key": key}

    assert code(browser.get("/v1/sync?types=chats", headers=limited)) == (
        403, "INSUFFICIENT_PERMISSIONS"
    )  # fmt: skip
    assert titles(sync(browser, limited)) == []


@pytest.mark.parametrize("query", ["since=odd", "types=planets", "limit=0", "since=c1_zz"])
def test_an_odd_question_is_refused(browser, me, query):
    assert code(browser.get(f"/v1/sync?{query}", headers=me)) == (400, "VALIDATION_ERROR")


def test_a_cursor_older_than_deleted_things_are_kept_begins_anew(browser, me):
    begin(browser, me, "mine")
    long_ago = int(SystemClock().now().timestamp()) - 31 * 86_400
    cursor = f"c1_1_{Chat.get().id.hex}_{long_ago:x}"

    assert code(browser.get(f"/v1/sync?since={cursor}", headers=me)) == (409, "CONFLICT")
