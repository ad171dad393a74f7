"""Identical reads that wait for a thread share one computation, and nothing else does."""

from hashlib import sha256
from threading import Event

import pytest

from api.endpoints import ANY_PRINCIPAL
from jobs.limits.shared import PREFIX
from models.kernel.cache import open_cache
from models.kernel.errors import NotFound
from tests import factories
from tests.api.conftest import code, endpoint
from tests.processes import until

DEADLINE = 60


class Desk:
    """One thread that is busy until it is let go, and a read that counts how often it ran."""

    def __init__(self):
        self.busy, self.leave, self.entered, self.go_on = Event(), Event(), Event(), Event()
        self.runs = []
        self.go_on.set()

    def block(self, _req, resp):
        self.busy.set()
        self.leave.wait(DEADLINE)
        resp.media = {}

    def read(self, req, resp):
        self.runs.append(req.get_header("X-Kind") or "")
        self.entered.set()
        self.go_on.wait(DEADLINE)
        resp.media = {"run": len(self.runs)}

    def refuse(self, _req, _resp):
        self.runs.append("refused")
        raise NotFound

    def endpoints(self):
        return (
            endpoint(method="POST", path="/block", handler=self.block),
            endpoint(path="/other", handler=self.block),
            endpoint(path="/read", handler=self.read),
            endpoint(path="/mine", handler=self.read, permission=ANY_PRINCIPAL),
            endpoint(path="/refuse", handler=self.refuse),
        )


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def busy(open_browser, desk):
    """A browser whose only thread reads something else."""

    def open_(**settings):
        browser = open_browser(*desk.endpoints(), web_threads=1, **settings)
        blocking = browser.send("GET", "/other")
        assert desk.busy.wait(DEADLINE)
        browser.blocking = blocking
        return browser

    return open_


def arrived(browser, count, path="/read", **options):
    """Send reads, and wait until the app has taken them in."""
    sent = [browser.send("GET", path, **options) for _ in range(count)]
    browser.get("/health")
    return sent


def test_reads_that_wait_share_one_computation(busy, desk):
    browser = busy()
    sent = arrived(browser, 5)
    desk.leave.set()

    assert [each.result(DEADLINE).json for each in sent] == [{"run": 1}] * 5
    assert len(desk.runs) == 1


def test_reads_that_differ_share_nothing(busy, desk):
    browser = busy()
    sent = [
        *arrived(browser, 2, headers={"X-Kind": "a"}),
        *arrived(browser, 2, headers={"X-Kind": "b"}),
        *arrived(browser, 1, headers={"Authorization": "Bearer x"}),
    ]
    desk.leave.set()
    for each in sent:
        assert each.result(DEADLINE).status_code == 200

    assert sorted(desk.runs) == ["", "a", "b"]


def test_reads_from_two_addresses_share_nothing(busy, desk):
    browser = busy()
    sent = [
        *arrived(browser, 2, remote_addr="203.0.113.7"),
        *arrived(browser, 2, remote_addr="203.0.113.8"),
    ]
    desk.leave.set()
    for each in sent:
        assert each.result(DEADLINE).status_code == 200

    assert len(desk.runs) == 2


def test_a_key_that_is_bound_to_an_address_reads_from_no_other_however_busy(busy, desk, database):
    browser = busy()
    key = "ilm_live_bound"
    factories.api_key(digest=sha256(key.encode()).digest(), ip_allow=["203.0.113.7"])
    read = {"path": "/mine", "headers": {"X-API-Key": key}}
    (inside,) = arrived(browser, 1, remote_addr="203.0.113.7", **read)
    (outside,) = arrived(browser, 1, remote_addr="203.0.113.8", **read)
    desk.leave.set()

    assert inside.result(DEADLINE).status_code == 200
    assert code(outside.result(DEADLINE)) == (403, "FORBIDDEN")
    assert len(desk.runs) == 1


def test_a_read_that_comes_after_the_work_began_has_work_of_its_own(busy, desk):
    browser = busy()
    desk.go_on.clear()
    first = arrived(browser, 2)
    desk.leave.set()
    assert desk.entered.wait(DEADLINE)
    second = arrived(browser, 1)
    desk.go_on.set()

    assert [each.result(DEADLINE).json for each in (*first, *second)] == [
        {"run": 1}, {"run": 1}, {"run": 2}
    ]  # fmt: skip


def test_a_refusal_is_shared_too(busy, desk):
    browser = busy()
    sent = arrived(browser, 3, "/refuse")
    desk.leave.set()

    assert [code(each.result(DEADLINE)) for each in sent] == [(404, "NOT_FOUND")] * 3
    assert desk.runs == ["refused"]


def test_while_threads_are_free_nothing_is_shared(open_browser, desk):
    browser = open_browser(*desk.endpoints(), web_threads=4)
    for _ in range(3):
        browser.get("/read")

    assert len(desk.runs) == 3


def test_each_read_still_counts_in_its_limits(busy, desk, settings, database):
    cache = open_cache(settings)
    for key in cache.scan_iter(f"{PREFIX}*"):
        cache.delete(key)
    cache.set(f"{PREFIX}born", 1)
    browser = busy(rate_limits="on", redis_url=settings.redis_url)
    before = cache.llen(f"{PREFIX}global:all")
    sent = arrived(browser, 4)
    desk.leave.set()
    left = {each.result(DEADLINE).headers["X-RateLimit-Remaining"] for each in sent}

    until(lambda: cache.llen(f"{PREFIX}global:all") - before == 4, "not every read was counted")
    assert len(left) == 4
    assert len(desk.runs) == 1
    cache.close()
