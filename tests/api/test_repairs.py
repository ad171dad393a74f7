"""What operators see of processes and breakers, and what they do again."""

import pytest

from jobs.llms.breakers import Circuit, SharedBreakers
from jobs.services import Registry
from jobs.system import Echo
from models.accounts import Person
from models.jobs import JobRow
from models.kernel.cache import open_cache
from models.kernel.clock import SystemClock
from tests.api.conftest import code
from tests.factories import job
from tests.processes import until

pytestmark = pytest.mark.usefixtures("database")

CIRCUIT = Circuit("openai", "a/model:latest")


@pytest.fixture
def cache(settings):
    made = open_cache(settings)
    made.delete(CIRCUIT.key)
    yield made
    made.close()


@pytest.fixture
def browser(open_browser, settings, cache):
    return open_browser(redis_url=settings.redis_url)


@pytest.fixture
def admin(me):
    Person.update(role="admin").execute()
    return me


def test_processes_that_live_are_shown(browser, open_browser, settings, admin, cache):
    worker = Registry(cache, "llm", SystemClock())
    fresh = open_browser(redis_url=settings.redis_url)

    def kinds():
        worker.beat()
        answer = fresh.get("/v1/admin/services", headers=admin)
        return {each["kind"] for each in answer.json["data"]}

    until(lambda: {"web", "llm"} <= kinds(), "not everybody is shown")


def test_a_failed_job_is_done_again_as_a_new_one(browser, admin):
    failed = job(state="failed", failures=5, input={"text": "hello"})
    answer = browser.post(f"/v1/admin/jobs/job_{failed.id.hex}/retry", headers=admin)
    fresh = JobRow.get(JobRow.state == "queued", JobRow.type == Echo.name)

    assert (answer.status_code, answer.json["status"]) == (202, "queued")
    assert answer.headers["Location"] == f"/v1/jobs/job_{fresh.id.hex}"
    assert (fresh.type, fresh.account_id, fresh.input["text"]) == (
        Echo.name, failed.account_id, "hello"
    )  # fmt: skip


@pytest.mark.parametrize(
    "given",
    [{"state": "succeeded"}, {"state": "failed", "type": "chat.answer"}],
    ids=["not failed", "part of a chat"],
)
def test_what_cannot_be_done_again_is_refused_in_words(browser, admin, given):
    row = job(**given)
    answer = browser.post(f"/v1/admin/jobs/job_{row.id.hex}/retry", headers=admin)

    assert code(answer) == (409, "CONFLICT")


def test_an_open_breaker_is_shown_and_closed(browser, admin, cache):
    breakers = SharedBreakers(cache, SystemClock())
    for _ in range(5):
        breakers.report(CIRCUIT, failed=True)
    named = {"vendor": CIRCUIT.vendor, "model": CIRCUIT.llm}
    before = browser.get("/v1/admin/breakers", headers=admin).json["data"]
    closed = browser.post("/v1/admin/breakers/reset", headers=admin, json=named)

    assert [each["open"] for each in before if each["model"] == CIRCUIT.llm] == [True]
    assert (closed.status_code, closed.json["open"]) == (200, False)
    assert breakers.admits(CIRCUIT)
    again = browser.post("/v1/admin/breakers/reset", headers=admin, json=named)
    assert code(again) == (404, "NOT_FOUND")


@pytest.mark.parametrize("path", ["services", "breakers"])
def test_others_see_none_of_it(browser, me, path):
    answer = browser.get(f"/v1/admin/{path}", headers=me)

    assert code(answer) == (403, "INSUFFICIENT_PERMISSIONS")
