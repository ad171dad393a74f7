"""Schedules, as operators see them and run them by hand."""

from datetime import timedelta
from typing import Any

import pytest

from jobs.schedules.calendar import schedules
from models import schedules as runs
from models.accounts import Person
from models.kernel.clock import SystemClock, wire_time
from models.kernel.database import Pool
from models.people import AuditEntry
from tests.api.browser import Browser
from tests.api.conftest import code
from tests.watch_factories import scheduled_run

pytestmark = pytest.mark.usefixtures("database")

Headers = dict[str, str]


@pytest.fixture
def admin(me: Headers) -> Headers:
    Person.update(role="admin").execute()
    return me


def listed(browser: Browser, admin: Headers) -> dict[str, Any]:
    answer = browser.get("/v1/admin/schedules", headers=admin)
    return {each["name"]: each for each in answer.json["data"]}


def test_an_operator_sees_every_schedule_and_when_it_is_due(
    browser: Browser, admin: Headers
) -> None:
    asked_at = SystemClock().now()
    told = listed(browser, admin)

    assert set(told) == set(schedules())
    chats = told["chats"]
    assert chats["calendar"]["cron"] == schedules()["chats"].cron
    assert chats["nextAt"] > wire_time(asked_at)
    assert (chats["lastRun"], chats["succeededAt"], chats["isRunning"]) == (None, None, False)


def test_the_last_run_is_shown_and_the_last_success(browser: Browser, admin: Headers) -> None:
    now = SystemClock().now()
    good = scheduled_run(slot=now - timedelta(hours=2), finished_at=now - timedelta(hours=2))
    began = now - timedelta(seconds=90)
    scheduled_run(slot=began, started_at=began, finished_at=now, outcome="failed", words="why")

    chats = listed(browser, admin)["chats"]

    assert chats["succeededAt"] == wire_time(good.finished_at)
    last = chats["lastRun"]
    assert (last["status"], last["seconds"], last["words"]) == ("failed", 90.0, "why")


def test_what_runs_now_is_shown_and_what_was_left(
    browser: Browser, admin: Headers, database: Pool
) -> None:
    slot = SystemClock().now() - timedelta(minutes=1)
    runs.begin("chats", slot, "a scheduler", 60)
    assert listed(browser, admin)["chats"]["isRunning"]

    database.rows("update scheduled_run set lease_until = now() - interval '1 second'")

    chats = listed(browser, admin)["chats"]
    assert (chats["isRunning"], chats["lastRun"]["status"]) == (False, "left")


def test_runs_are_listed_page_by_page(browser: Browser, admin: Headers) -> None:
    now = SystemClock().now()
    for hours in range(3):
        scheduled_run(slot=now - timedelta(hours=hours), words=str(hours))
    scheduled_run(name="logins")

    answer = browser.get("/v1/admin/schedules/chats/runs?limit=2", headers=admin).json

    assert [run["words"] for run in answer["data"]] == ["0", "1"]
    assert answer["pagination"]["total"] == 3


def test_a_run_by_hand_waits_for_a_scheduler_and_is_written_down(
    browser: Browser, admin: Headers
) -> None:
    answer = browser.post("/v1/admin/schedules/chats/run", headers=admin)

    assert answer.status_code == 202
    me = Person.get()
    told = {name: answer.json[name] for name in ("source", "askedBy", "status", "attempts")}
    assert told == {
        "source": "by hand", "askedBy": f"user_{me.id.hex}", "status": "waiting", "attempts": 0,
    }  # fmt: skip
    assert [name for name, _ in runs.left_over()] == ["chats"]
    entry = AuditEntry.about(me.id).get()
    assert (entry.action, entry.details) == ("schedule.asked", {"schedule": "chats"})


def test_twice_at_once_is_refused_and_written_down_once(browser: Browser, admin: Headers) -> None:
    browser.post("/v1/admin/schedules/chats/run", headers=admin)

    again = browser.post("/v1/admin/schedules/chats/run", headers=admin)

    assert code(again) == (409, "CONFLICT")
    assert browser.post("/v1/admin/schedules/logins/run", headers=admin).status_code == 202
    asked = AuditEntry.select().where(AuditEntry.action == "schedule.asked")
    assert asked.count() == 2


@pytest.mark.parametrize(("method", "path"), [("GET", "runs"), ("POST", "run")])
def test_a_schedule_there_is_none_of_is_not_found(
    browser: Browser, admin: Headers, method: str, path: str
) -> None:
    answer = browser.request(method, f"/v1/admin/schedules/nothing/{path}", headers=admin)

    assert code(answer) == (404, "NOT_FOUND")


def test_a_reader_may_neither_look_nor_run(browser: Browser, me: Headers) -> None:
    for answer in (
        browser.get("/v1/admin/schedules", headers=me),
        browser.post("/v1/admin/schedules/chats/run", headers=me),
    ):
        assert code(answer) == (403, "INSUFFICIENT_PERMISSIONS")
