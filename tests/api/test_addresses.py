"""From where requests may come, for everybody and for administrators (A-25)."""

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from threading import Event
from typing import Any

import pytest
from falcon.testing import Result
from peewee import OperationalError

from jobs.addresses import Addresses
from models.kernel.database import Pool, open_pool
from models.kernel.database import database as databases
from models.kernel.errors import Forbidden
from models.kernel.ids import wire_id
from models.kernel.measures import ADDRESSES_REFUSED, HTTP_REFUSED
from models.kernel.settings import Settings
from models.people import AuditEntry
from tests import factories
from tests.api.browser import Browser
from tests.api.conftest import Open, Stack, code
from tests.api.reader import Reader
from tests.api.test_metrics import told
from tests.fakes.clock import FakeClock
from tests.processes import until
from tests.rows import returned

pytestmark = pytest.mark.usefixtures("database")

RULES = "/v1/admin/ip-rules"
HOME, AWAY, SIXTH = "192.0.2.7", "203.0.113.9", "2001:db8::7"


@pytest.fixture
def chief(browser: Browser) -> Reader:
    """An administrator."""
    return Reader(browser, factories.person(role="admin"))


def rule(chief: Reader, scope: str, action: str, network: str, **other: Any) -> Result:
    """Make a rule from home."""
    wish = {"scope": scope, "action": action, "network": network, **other}
    return chief.post(RULES, json=wish, remote_addr=HOME)


def status(browser: Browser, address: str, path: str = "/v1/openapi.json", **other: Any) -> int:
    return browser.get(path, remote_addr=address, **other).status_code


def test_a_network_that_is_denied_is_refused_everywhere(browser: Browser, chief: Reader) -> None:
    assert status(browser, AWAY) == 200

    made = rule(chief, "global", "deny", "203.0.113.0/24", note="a flood")

    assert (made.status_code, made.json["network"]) == (201, "203.0.113.0/24")
    assert code(browser.get("/docs", remote_addr=AWAY)) == (403, "FORBIDDEN")
    assert status(browser, AWAY, "/nowhere") == 403
    assert status(browser, AWAY, "/health") == 403
    assert status(browser, HOME) == 200
    assert chief.get(RULES).json["data"] == [made.json]


def test_where_anything_is_allowed_the_rest_is_refused(browser: Browser, chief: Reader) -> None:
    assert rule(chief, "global", "allow", "192.0.2.0/24").status_code == 201

    assert [status(browser, each) for each in (HOME, AWAY, SIXTH)] == [200, 403, 403]


def test_a_denial_wins_over_a_permission(browser: Browser, chief: Reader) -> None:
    rule(chief, "global", "allow", "0.0.0.0/0")
    rule(chief, "global", "deny", AWAY)

    assert [status(browser, each) for each in (HOME, AWAY, "203.0.113.8")] == [200, 403, 200]


def test_the_routes_of_administrators_have_rules_of_their_own(chief: Reader) -> None:
    rule(chief, "admin", "allow", HOME)

    assert code(chief.get(RULES, remote_addr=AWAY)) == (403, "FORBIDDEN")
    assert chief.get("/v1/users/me", remote_addr=AWAY).status_code == 200
    assert chief.get(RULES, remote_addr=HOME).status_code == 200


def test_a_batch_is_no_way_around(chief: Reader) -> None:
    rule(chief, "admin", "allow", HOME)
    inside = {"requests": [{"id": "a", "method": "GET", "path": RULES}]}

    answers = chief.post("/v1/batch", json=inside, remote_addr=AWAY).json["responses"]

    assert [each["status"] for each in answers] == [403]


@pytest.mark.parametrize(
    ("network", "address"),
    [
        ("::ffff:203.0.113.0/120", AWAY),
        ("203.0.113.0/24", f"::ffff:{AWAY}"),
        ("2001:db8::/32", SIXTH),
        (SIXTH, SIXTH),
    ],
)
def test_an_address_counts_in_whichever_way_it_is_written(
    browser: Browser, chief: Reader, network: str, address: str
) -> None:
    assert rule(chief, "global", "deny", network).status_code == 201

    assert [status(browser, each) for each in (address, HOME)] == [403, 200]


@pytest.mark.parametrize(
    "network", ["", "everywhere", "203.0.113.1/24", "203.0.113.0/33", "fe80::1%eth0", 7]
)
def test_what_is_no_network_is_refused(chief: Reader, network: Any) -> None:
    assert code(rule(chief, "global", "deny", network)) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize("scope", ["global", "admin"])
@pytest.mark.parametrize(
    ("action", "network"), [("deny", "192.0.2.0/24"), ("deny", "0.0.0.0/0"), ("allow", AWAY)]
)
def test_nobody_shuts_themselves_out(chief: Reader, scope: str, action: str, network: str) -> None:
    answer = rule(chief, scope, action, network)

    assert code(answer) == (409, "CONFLICT")
    assert "shut you out" in answer.json["error"]["message"]
    assert chief.get(RULES).json["data"] == []


def test_nobody_deletes_what_lets_them_in(browser: Browser, chief: Reader) -> None:
    mine = rule(chief, "global", "allow", HOME).json["id"]
    other = rule(chief, "global", "allow", AWAY).json["id"]

    shut = chief.delete(f"{RULES}/{mine}", remote_addr=HOME)
    assert code(shut) == (409, "CONFLICT")
    assert chief.delete(f"{RULES}/{other}", remote_addr=HOME).status_code == 204
    assert status(browser, AWAY) == 403
    assert chief.delete(f"{RULES}/{mine}", remote_addr=HOME).status_code == 204
    assert status(browser, AWAY) == 200
    assert code(chief.delete(f"{RULES}/{mine}")) == (404, "NOT_FOUND")


def test_this_machine_may_always_watch_over_itself(browser: Browser, chief: Reader) -> None:
    rule(chief, "global", "allow", HOME)

    assert [status(browser, "127.0.0.1", path) for path in ("/health", "/metrics", "/docs")] == [
        200, 200, 403,
    ]  # fmt: skip


def test_the_address_is_the_callers_and_not_what_they_say(
    open_browser: Open, chief: Reader
) -> None:
    rule(chief, "global", "deny", AWAY)
    behind = open_browser(trusted_proxies=("198.51.100.0/24",))

    def seen(peer: str) -> int:
        return status(behind, peer, headers={"X-Forwarded-For": AWAY})

    assert [seen("198.51.100.1"), seen(HOME)] == [403, 200]


def test_a_rule_ends_when_it_expires(browser: Browser, chief: Reader, database: Pool) -> None:
    past, future = "2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z"
    rule(chief, "global", "deny", AWAY, expiresAt=past)
    assert status(browser, AWAY) == 200

    rule(chief, "global", "deny", AWAY, expiresAt=future)
    assert status(browser, AWAY) == 403


def test_a_refusal_is_counted(browser: Browser, chief: Reader) -> None:
    rule(chief, "global", "deny", AWAY)
    counted = (ADDRESSES_REFUSED.name, ("global",)), (HTTP_REFUSED.name, ("FORBIDDEN",))
    before = told(browser)

    status(browser, AWAY)

    after = told(browser)
    assert [after[each] - before.get(each, 0) for each in counted] == [1, 1]


def test_who_made_a_rule_is_written_down(chief: Reader) -> None:
    made = rule(chief, "global", "deny", AWAY).json
    chief.delete(f"{RULES}/{made['id']}", remote_addr=HOME)

    assert made["createdBy"] == wire_id("user", chief.person.id)
    seen = [each.action for each in AuditEntry.about(chief.person.id)]
    assert seen == ["ip_rule.deleted", "ip_rule.created"]


def refused(known: Addresses) -> bool:
    try:
        known.admit(None, is_admin=False)
    except Forbidden:
        return True
    return False


def test_another_process_learns_of_a_rule_when_it_reads_again() -> None:
    known = Addresses(FakeClock())
    known.refresh()
    factories.ip_rule(action="allow")
    assert not refused(known)

    known.refresh()
    assert refused(known)


def test_what_was_read_before_a_rule_does_not_take_the_place_of_what_was_read_after(
    database: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, read, has_read = Addresses(FakeClock()), database.rows, Event()

    def told_late(sql: str) -> list[tuple[Any, ...]]:
        found = read(sql)
        has_read.set()
        Event().wait(0.3)
        return found

    with ThreadPoolExecutor(1) as threads, monkeypatch.context() as patched:
        patched.setattr(database, "rows", told_late)
        reading = threads.submit(returned, known.refresh)
        assert has_read.wait(60)
        patched.undo()
        factories.ip_rule(action="allow")
        known.refresh()
        reading.result(60)

    assert refused(known)


def test_a_process_has_read_the_rules_before_it_serves() -> None:
    factories.ip_rule(action="allow")
    known = Addresses(FakeClock())

    known.start()
    known.stop()

    assert refused(known)


def test_without_the_database_the_last_rules_hold_until_each_expires(database: Pool) -> None:
    clock = FakeClock()
    factories.ip_rule(action="allow", expires_at=clock.now().replace(hour=13))
    known = Addresses(clock)
    known.refresh()
    away = open_pool(Settings(database_url="postgresql://x@127.0.0.1:1/x"))
    databases.initialize(away)
    with pytest.raises(OperationalError):
        away.rows("select 1")

    known.refresh()
    assert refused(known)

    clock.move(3_600)
    known.refresh()
    assert not refused(known)
    databases.initialize(database)


def test_every_process_learns_of_a_rule_by_itself(stack: Stack) -> None:
    secret = "ilm_live_of_an_administrator"
    admin = factories.person(role="admin")
    factories.api_key(admin, digest=sha256(secret.encode()).digest())
    others = [stack.web, stack.processes.web()]

    def seen() -> set[int]:
        return {each.call("GET", RULES, secret).status_code for each in others}

    assert seen() == {200}
    shut = factories.ip_rule(scope="admin", network="127.0.0.0/8")
    until(lambda: seen() == {403}, "both processes refuse")
    shut.delete_instance()
    until(lambda: seen() == {200}, "both processes take it again")
