"""What is done with keys, factors and limits can be read afterwards (A-20, A-34)."""

from base64 import b32decode
from typing import Any

import pytest
from falcon.testing import Result

from jobs import totp
from models.accounts import ApiKey
from models.factors import TOTP
from models.kernel.clock import SystemClock
from models.kernel.ids import wire_id
from models.people import AuditEntry
from tests import factories
from tests.api.browser import Browser
from tests.api.conftest import code
from tests.api.organizations import founded, user
from tests.api.reader import Reader
from tests.api.somebody import Somebody
from tests.authenticator import Authenticator

pytestmark = pytest.mark.usefixtures("database")

ACTIVITY = "/v1/users/me/activity"
KEYS = "/v1/api-keys"
WISH = {"name": "laptop", "mode": "test", "scopes": ["books:read"]}


def deeds(answer: Result) -> list[tuple[str, dict[str, Any]]]:
    """Return what was done, the oldest first."""
    assert answer.status_code == 200, answer.text
    return [(each["action"], each["details"]) for each in reversed(answer.json["data"])]


def told(made: dict[str, Any], **more: str) -> dict[str, Any]:
    return {"key_id": made["id"], "mode": made["mode"], "scopes": made["scopes"], **more}


def test_who_has_keys_finds_what_was_done_with_them(ada: Reader, bob: Reader) -> None:
    first = ada.post(KEYS, json=WISH)
    second = ada.post(f"{KEYS}/{first.json['id']}/rotate", json={})
    gone = ada.delete(f"{KEYS}/{second.json['id']}")

    seen = ada.get(ACTIVITY)

    assert deeds(seen) == [
        ("key.created", told(first.json)),
        ("key.rotated", told(second.json, replaces=first.json["id"])),
        ("key.revoked", told(second.json)),
    ]
    assert [each["requestId"] for each in reversed(seen.json["data"])] == [
        each.headers["x-request-id"] for each in (first, second, gone)
    ]
    assert {each["actorId"] for each in seen.json["data"]} == {user(ada)}
    assert not any(made.json["key"] in seen.text for made in (first, second))
    assert deeds(bob.get(ACTIVITY)) == []


@pytest.mark.parametrize(
    ("verb", "path", "status"),
    [("DELETE", "", 404), ("POST", "/rotate", 404), ("POST", "", 403)],
)
def test_what_was_refused_is_no_deed(
    ada: Reader, bob: Reader, verb: str, path: str, status: int
) -> None:
    theirs = wire_id("key", ApiKey.get(ApiKey.user == bob.person.id).id)
    place = f"{KEYS}/{theirs}{path}" if status == 404 else KEYS
    wish = {"name": "wide", "scopes": ["roles:admin"]} if status == 403 else {}

    assert ada.send(verb, place, json=wish).status_code == status
    assert AuditEntry.select().count() == 0


def test_a_key_of_an_organization_is_seen_in_its_audit_and_by_who_made_it(
    browser: Browser,
) -> None:
    house = founded(browser)
    ada = house.with_("member")
    made = house.ask(ada, "POST", KEYS, json={"name": "robot"}).json
    house.ask(ada, "DELETE", f"{KEYS}/{made['id']}")

    seen = [deeds(house.owner.get(f"{house.path}/audit")), deeds(ada.get(ACTIVITY))]

    expected = [("key.created", told(made)), ("key.revoked", told(made))]
    assert [each[-2:] for each in seen] == [expected, expected]
    assert AuditEntry.in_account(ada.account_id).count() == 0


def test_an_app_that_is_set_up_and_removed_is_seen(ada: Reader, browser: Browser) -> None:
    somebody = Somebody(browser)
    secret = b32decode(somebody.post("/v1/auth/mfa/totp").json["secret"])
    step = int(SystemClock().now().timestamp()) // 30
    somebody.post("/v1/auth/mfa/totp/confirm", code=totp.code_at(secret, step))
    somebody.post("/v1/auth/mfa/recovery-codes")
    gone = browser.request("DELETE", "/v1/auth/mfa/totp", headers=somebody.me)

    seen = browser.get(ACTIVITY, headers=somebody.me)

    assert deeds(seen) == [
        ("factor.added", {"kind": TOTP}),
        ("factor.codes_renewed", {}),
        ("factor.removed", {"kind": TOTP}),
    ]
    assert seen.json["data"][0]["requestId"] == gone.headers["x-request-id"]
    assert all(each["requestId"] for each in seen.json["data"])


def test_an_app_that_was_never_confirmed_was_never_added_or_removed(browser: Browser) -> None:
    somebody = Somebody(browser)
    somebody.post("/v1/auth/mfa/totp")
    gone = browser.request("DELETE", "/v1/auth/mfa/totp", headers=somebody.me)

    assert gone.status_code == 204
    assert deeds(browser.get(ACTIVITY, headers=somebody.me)) == []


def test_every_passkey_that_is_made_or_taken_away_is_seen_once(browser: Browser) -> None:
    somebody = Somebody(browser)
    made = [somebody.enrol(device).json["id"] for device in (Authenticator(), Authenticator())]
    for each in made:
        gone = browser.request("DELETE", f"/v1/auth/passkeys/{each}", headers=somebody.me)
        assert gone.status_code == 204

    assert deeds(browser.get(ACTIVITY, headers=somebody.me)) == [
        (action, {"kind": "passkey", "passkey_id": each})
        for action in ("factor.added", "factor.removed")
        for each in made
    ]


def test_who_sets_and_lifts_limits_is_written_down(browser: Browser, ada: Reader) -> None:
    admin = Reader(browser, factories.person(role="admin"))
    place = f"/v1/admin/limits/user/{user(ada)}"
    about = {"kind": "user", "subject": user(ada)}

    put = admin.send("PUT", place, json={"perMinute": 7})
    admin.send("PUT", place, json={"perMinute": 8})
    admin.delete(place)
    assert code(admin.delete(place)) == (404, "NOT_FOUND")

    seen = admin.get(ACTIVITY)
    assert deeds(seen) == [
        ("limit.set", {**about, "per_minute": 7}),
        ("limit.set", {**about, "per_minute": 8}),
        ("limit.lifted", {**about, "per_minute": 8}),
    ]
    assert seen.json["data"][-1]["requestId"] == put.headers["x-request-id"]
