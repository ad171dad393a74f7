"""API keys: where they may be used from, and how one takes another's place (A-20, A-25)."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from falcon.testing import Result

from jobs.key_usage import KeyMeter
from models.accounts import ApiKey
from models.kernel.clock import SystemClock
from tests.api.browser import Browser
from tests.api.conftest import PASSWORD, Open, address, code, make_key
from tests.api.reader import Reader
from tests.streams import eventually

pytestmark = pytest.mark.usefixtures("database")

Me = dict[str, str]

SOON, LATER, LATEST = (datetime(year, 1, 1, tzinfo=UTC) for year in (2090, 2091, 2092))


def holder(key: str) -> Me:
    return {"X-API-Key": key}


def ends_of(made: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(made["expiresAt"])


@pytest.mark.parametrize(
    ("allowed", "place", "status"),
    [
        ([], "203.0.113.9", 200),
        (["203.0.113.9"], "203.0.113.9", 200),
        (["198.51.100.0/24", "203.0.113.0/24"], "203.0.113.9", 200),
        (["2001:db8::/32"], "2001:db8::7", 200),
        (["203.0.113.0/24"], "::ffff:203.0.113.9", 200),
        (["203.0.113.8"], "203.0.113.9", 403),
        (["2001:db8::/32"], "203.0.113.9", 403),
    ],
)
def test_a_key_is_used_from_where_it_may_be(
    open_browser: Open, allowed: list[str], place: str, status: int
) -> None:
    browser = open_browser(trusted_proxies=("127.0.0.1/32",))
    me = _somebody(browser)
    made = make_key(browser, me, ipAllow=allowed)
    seen = {**holder(made.json["key"]), "X-Forwarded-For": place}

    answer = browser.get("/v1/users/me", headers=seen, remote_addr="127.0.0.1")
    assert answer.status_code == status


def test_who_is_no_proxy_of_ours_cannot_lie_about_the_address(open_browser: Open) -> None:
    browser = open_browser()
    made = make_key(browser, _somebody(browser), ipAllow=["203.0.113.9"])
    seen = {**holder(made.json["key"]), "X-Forwarded-For": "203.0.113.9"}

    answer = browser.get("/v1/users/me", headers=seen, remote_addr="127.0.0.1")
    assert code(answer) == (403, "FORBIDDEN")


@pytest.mark.parametrize("odd", ["nowhere", "203.0.113.1/24", "", 7, "203.0.113.0/33"])
def test_what_is_no_network_is_refused(open_browser: Open, odd: object) -> None:
    browser = open_browser()

    answer = make_key(browser, _somebody(browser), ipAllow=[odd])

    assert code(answer) == (400, "VALIDATION_ERROR")
    assert answer.json["error"]["details"][0]["field"].startswith("ipAllow")


def test_a_rotated_key_goes_on_beside_the_new_one_for_a_while(open_browser: Open) -> None:
    browser = open_browser()
    me = _somebody(browser)
    wish = {"scopes": ["profile:read"], "ipAllow": ["127.0.0.0/8"], "rateLimitPerMinute": 7}
    old = make_key(browser, me, **wish).json

    begun = datetime.now(UTC)
    new = browser.post(
        f"/v1/api-keys/{old['id']}/rotate", headers=me, json={"overlapSeconds": 600}
    ).json

    assert {name: new[name] for name in (*wish, "name", "mode", "expiresAt")} == {
        name: old[name] for name in (*wish, "name", "mode", "expiresAt")
    }
    for key in (old["key"], new["key"]):
        answer = browser.get("/v1/users/me", headers=holder(key), remote_addr="127.0.0.1")
        assert answer.status_code == 200
    listed = browser.get("/v1/api-keys", headers=me).json["data"]
    ends = next(ends_of(each) for each in listed if each["id"] == old["id"])
    slack = timedelta(seconds=1)
    assert begun - slack < ends - timedelta(seconds=600) < datetime.now(UTC) + slack


def test_a_key_rotated_at_once_is_over(open_browser: Open) -> None:
    browser = open_browser()
    me = _somebody(browser)
    old = make_key(browser, me).json

    browser.post(f"/v1/api-keys/{old['id']}/rotate", headers=me, json={"overlapSeconds": 0})

    assert code(browser.get("/v1/users/me", headers=holder(old["key"]))) == (401, "TOKEN_EXPIRED")
    again = browser.post(f"/v1/api-keys/{old['id']}/rotate", headers=me, json={})
    assert code(again) == (404, "NOT_FOUND")


def test_a_rotation_never_lengthens_a_keys_life(open_browser: Open) -> None:
    browser = open_browser()
    me = _somebody(browser)
    soon = (datetime.now(UTC) + timedelta(minutes=10)).isoformat()
    old = make_key(browser, me, expiresAt=soon).json

    new = browser.post(f"/v1/api-keys/{old['id']}/rotate", headers=me, json={}).json

    assert ends_of(new) == ends_of(old)
    assert len({key.expires_at for key in ApiKey.select()}) == 1


HERE = "203.0.113.9"
NEARBY = ["203.0.113.0/24", "2001:db8::/32"]


@pytest.fixture
def bound(ada: Reader) -> Reader:
    """A key that ends, is for two networks, and may send 50 requests a minute."""
    return Reader(
        ada.browser, ada.person, expires_at=LATER, ip_allow=NEARBY, rate_limit_per_minute=50
    )


def bounds_of(answer: Result) -> tuple[datetime | None, list[str], int | None]:
    made = answer.json
    ends = made["expiresAt"] and ends_of(made)
    return ends, made["ipAllow"], made["rateLimitPerMinute"]


def test_a_key_that_names_no_bounds_has_those_of_the_key_that_makes_it(bound: Reader) -> None:
    made = bound.post("/v1/api-keys", json={"name": "child"}, remote_addr=HERE)

    assert bounds_of(made) == (LATER, NEARBY, 50)


def test_a_key_may_be_bound_more_than_its_maker_and_never_less(bound: Reader) -> None:
    tighter = {"expiresAt": SOON.isoformat(), "ipAllow": [f"{HERE}/32"], "rateLimitPerMinute": 7}
    wider = {"expiresAt": LATEST.isoformat(), "rateLimitPerMinute": 500}

    made = [
        bound.post("/v1/api-keys", json={"name": "child", **wish}, remote_addr=HERE)
        for wish in (tighter, wider)
    ]

    assert [bounds_of(each) for each in made] == [(SOON, [f"{HERE}/32"], 7), (LATER, NEARBY, 50)]


@pytest.mark.parametrize("place", ["203.0.112.0/23", "198.51.100.1", "2001:db9::1", "0.0.0.0/0"])
def test_a_key_is_for_no_place_from_which_its_maker_is_not(bound: Reader, place: str) -> None:
    wish = {"name": "child", "ipAllow": [HERE, place]}

    refused = bound.post("/v1/api-keys", json=wish, remote_addr=HERE)

    assert code(refused) == (403, "INSUFFICIENT_PERMISSIONS")
    assert place in refused.json["error"]["message"]


def test_a_key_that_is_rotated_by_a_key_stays_within_the_bounds_of_that(
    bound: Reader, ada: Reader
) -> None:
    free = ada.post("/v1/api-keys", json={"name": "unbound"}).json["id"]

    rotated = bound.post(f"/v1/api-keys/{free}/rotate", json={}, remote_addr=HERE)

    assert bounds_of(rotated) == (LATER, NEARBY, 50)


def test_who_logged_in_binds_keys_as_they_wish(open_browser: Open) -> None:
    browser = open_browser()

    made = make_key(browser, _somebody(browser), ipAllow=["0.0.0.0/0"])

    assert bounds_of(made) == (None, ["0.0.0.0/0"], None)


def test_nobody_rotates_anothers_key(open_browser: Open) -> None:
    browser = open_browser()
    theirs = make_key(browser, _somebody(browser)).json

    answer = browser.post(
        f"/v1/api-keys/{theirs['id']}/rotate", headers=_somebody(browser), json={}
    )

    assert code(answer) == (404, "NOT_FOUND")


def test_requests_are_counted_by_key_and_day(open_browser: Open) -> None:
    meter = KeyMeter(SystemClock())
    first = open_browser(parts={"key_meter": meter})
    me = _somebody(first)
    begun = datetime.now(UTC).date()
    used, unused = (make_key(first, me).json for _ in range(2))
    assert used["usage"] == {"requests": 0, "last7Days": 0}
    for path in ("/v1/users/me", "/v1/users/me", "/v1/admin/users", "/v1/nowhere"):
        first.get(path, headers=holder(used["key"]))
    first.get("/v1/users/me", headers=holder(f"{used['key']}x"))
    meter.stop()

    second = open_browser()

    def usages() -> dict[str, Any]:
        return {each["id"]: each["usage"] for each in _data(second, me, "/v1/api-keys")}

    eventually(lambda: usages()[used["id"]]["requests"])
    listed = usages()
    assert listed[used["id"]] == {"requests": 2, "last7Days": 2}
    assert listed[unused["id"]] == {"requests": 0, "last7Days": 0}
    usage = second.get(f"/v1/api-keys/{used['id']}/usage", headers=me).json
    (day,) = usage.pop("days")
    assert (usage, day["requests"]) == ({"requests": 2, "last7Days": 2}, 2)
    assert begun <= date.fromisoformat(day["date"]) <= datetime.now(UTC).date()


def test_nobody_learns_of_anothers_key(open_browser: Open) -> None:
    browser = open_browser()
    theirs = make_key(browser, _somebody(browser)).json

    answer = browser.get(f"/v1/api-keys/{theirs['id']}/usage", headers=_somebody(browser))

    assert code(answer) == (404, "NOT_FOUND")


def _data(browser: Browser, me: Me, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = browser.get(path, headers=me).json["data"]
    return found


def _somebody(browser: Browser) -> Me:
    """Register somebody and log them in; return their headers."""
    credentials = {"email": address(), "password": PASSWORD}
    browser.post("/v1/auth/register", json=credentials)
    token = browser.post("/v1/auth/login", json=credentials).json["access_token"]
    return {"Authorization": f"Bearer {token}"}
