"""Limits on requests at the front: headers, refusals, waiting, exemptions, what admins set."""

import asyncio
from threading import Event
from types import SimpleNamespace

import pytest

from api.endpoints import ANY_PRINCIPAL
from api.limits import MOST_WAITING, Waiting
from jobs.limits.shared import PREFIX
from models.accounts import Person
from models.kernel.clock import SystemClock
from models.kernel.errors import RateLimitExceeded
from models.limits import Catalogued
from tests.api.conftest import PASSWORD, code, endpoint, make_key
from tests.api.windows import counting_anew, used_up, user_window
from tests.factories import rate_limit

pytestmark = pytest.mark.usefixtures("database")

HERE = "203.0.113.7"
FREE, AI = 100, 60


@pytest.fixture(autouse=True)
def cache(settings):
    """Redis, which has counted nobody and for long enough."""
    with counting_anew(settings) as made:
        yield made


@pytest.fixture
def browser(open_browser, settings):
    """A browser on the app with limits, on a real Redis."""
    return open_browser(*EXTRA, rate_limits="on", redis_url=settings.redis_url)


def answered(_req, resp):
    resp.media = {}


EXTRA = (
    endpoint(path="/test/mine", permission=ANY_PRINCIPAL, handler=answered),
    endpoint(path="/test/public", handler=answered),
)


def test_an_answer_tells_how_many_requests_are_left(browser, me):
    first, second = (browser.get("/test/mine", headers=me) for _ in range(2))

    assert first.headers["X-RateLimit-Limit"] == str(FREE)
    left = [int(each.headers["X-RateLimit-Remaining"]) for each in (first, second)]
    assert left[0] - left[1] == 1
    assert int(first.headers["X-RateLimit-Reset"]) > 1_700_000_000
    assert "X-RateLimit-RetryAfter" not in first.headers
    assert "X-RateLimit-Warning" not in first.headers


def test_past_the_limit_a_request_is_refused_in_words_with_the_time_to_come_back(
    browser, me, cache
):
    begun = SystemClock().elapsed()
    used_up(cache, user_window(), FREE, seconds_ago=20)
    answer = browser.get("/test/mine", headers=me)
    took = SystemClock().elapsed() - begun

    assert code(answer) == (429, "RATE_LIMIT_EXCEEDED")
    assert answer.headers["Retry-After"] == answer.headers["X-RateLimit-RetryAfter"]
    assert 40 - took <= int(answer.headers["Retry-After"]) <= 40
    assert answer.headers["X-RateLimit-Remaining"] == "0"
    assert "100 requests a minute" in answer.json["error"]["message"]
    assert "x-should-retry" not in answer.headers


def test_from_four_fifths_on_an_answer_warns(browser, me, cache):
    used_up(cache, user_window(), 78)

    warned = [
        browser.get("/test/mine", headers=me).headers.get("X-RateLimit-Warning") for _ in range(2)
    ]

    assert warned == [None, "soft-limit"]


def test_limits_hold_for_each_person_alone(browser, me, cache):
    used_up(cache, user_window(), FREE)
    bob = _somebody(browser)

    assert browser.get("/test/mine", headers=me).status_code == 429
    assert browser.get("/test/mine", headers=bob).status_code == 200


def test_a_wire_is_refused_in_its_own_shape(browser, me, cache):
    used_up(cache, user_window().replace("user:", "user-ai:"), AI)

    answer = browser.post("/v1/chat/completions", headers=me, json={})

    assert answer.status_code == 429
    assert answer.json["error"]["type"] == "rate_limit_error"


def test_ai_requests_have_a_limit_of_their_own_by_tier(browser, me, cache):
    used_up(cache, user_window().replace("user:", "user-ai:"), AI)

    assert browser.post("/v1/embeddings", headers=me, json={}).status_code == 429
    assert browser.get("/test/mine", headers=me).status_code == 200
    Person.update(tier="premium").execute()
    assert browser.get("/test/mine", headers=me).headers["X-RateLimit-Limit"] == "300"


def test_an_api_key_has_the_limit_it_was_made_with(browser, me, cache, database):
    key = make_key(browser, me).json["key"]
    database.rows("update api_key set rate_limit_per_minute = 2")
    answers = [browser.get("/test/mine", headers={"X-API-Key": key}).status_code for _ in range(3)]

    assert answers == [200, 200, 429]


def test_who_has_no_credential_that_holds_is_limited_by_address(browser, cache):
    limit = Catalogued.read().anonymous
    used_up(cache, f"{PREFIX}anonymous:{HERE}", limit - 2)
    answers = [
        browser.get(path, headers={"Authorization": "Bearer x"}, remote_addr=HERE).status_code
        for path in ("/test/mine", "/test/public", "/test/mine", "/test/public")
    ]

    assert answers == [401, 200, 429, 429]


def test_a_flood_from_one_address_is_refused_before_credentials_are_looked_up(
    browser, me, cache, monkeypatch
):
    used_up(cache, f"{PREFIX}address:{HERE}", Catalogued.read().address)
    browser.get("/test/mine", headers=me, remote_addr=HERE)
    monkeypatch.setattr("api.principals.Doorkeeper.admit", lambda *_: pytest.fail("looked up"))

    assert browser.get("/test/mine", headers=me, remote_addr=HERE).status_code == 429


def test_critical_operations_are_never_refused(browser, me, cache):
    used_up(cache, user_window(), FREE)

    assert code(browser.post(f"/v1/jobs/job_{'0' * 32}/cancel", headers=me)) == (404, "NOT_FOUND")
    assert browser.get("/health").status_code == 200


def test_who_may_pass_soon_waits_without_a_thread(open_browser, settings, cache, monkeypatch):
    asleep, leave = Event(), Event()

    async def sleep(_seconds):
        asleep.set()
        await asyncio.to_thread(leave.wait, 60)

    monkeypatch.setattr("api.limits.PATIENCE", 61.0)
    monkeypatch.setattr("api.limits.asyncio", SimpleNamespace(sleep=sleep))
    browser = open_browser(*EXTRA, rate_limits="on", redis_url=settings.redis_url, web_threads=1)
    me = _somebody(browser)
    used_up(cache, user_window(), FREE)
    waiting = browser.send("GET", "/test/mine", headers=me)
    assert asleep.wait(60)

    assert browser.get("/test/public").status_code == 200
    assert not waiting.done()
    leave.set()
    assert waiting.result(60).status_code == 200


@pytest.mark.parametrize(
    ("waiting", "ago", "status"), [(MOST_WAITING - 1, 59.05, 200), (MOST_WAITING, 30, 429)]
)
def test_at_most_fifty_wait(open_browser, settings, me, cache, monkeypatch, waiting, ago, status):
    monkeypatch.setattr("api.app.Waiting", lambda: Waiting(count=waiting))
    if status == 429:  # with as much patience it would wait, were it not the fifty-first
        monkeypatch.setattr("api.limits.PATIENCE", 40.0)
    crowded = open_browser(*EXTRA, rate_limits="on", redis_url=settings.redis_url)
    used_up(cache, user_window(), FREE, seconds_ago=ago)

    assert crowded.get("/test/mine", headers=me).status_code == status


def test_an_administrator_sets_limits_and_lifts_them(browser, me):
    Person.update(role="admin").execute()
    user = f"user_{Person.get().id.hex}"
    place = f"/v1/admin/limits/user/{user}"
    put = browser.request("PUT", place, headers=me, json={"perMinute": 7})
    shown = browser.get("/v1/admin/limits", headers=me).json

    assert (put.status_code, put.json["subject"], put.json["perMinute"]) == (200, user, 7)
    assert [each["perMinute"] for each in shown["data"]] == [7]
    assert shown["usual"]["tiers"]["premium"] == {"user": 300, "ai": 300}
    assert (shown["on"], shown["factor"]) == (True, 1)
    assert browser.request("DELETE", place, headers=me).status_code == 204
    assert code(browser.request("DELETE", place, headers=me)) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("kind", "subject", "named"),
    [
        ("planet", "mars", "kind"),
        ("user", "free", "subject"),
        ("tier", "gold", "subject"),
        ("route", "post_v1_nowhere", "subject"),
        ("route", "get_health", "subject"),
        ("anonymous", HERE, "subject"),
    ],
)
def test_a_limit_for_nothing_there_is_refused(browser, me, kind, subject, named):
    Person.update(role="admin").execute()
    place = f"/v1/admin/limits/{kind}/{subject}"

    answer = browser.request("PUT", place, headers=me, json={"perMinute": 7})

    assert code(answer) == (400, "VALIDATION_ERROR")
    assert answer.json["error"]["details"][0]["field"] == named


@pytest.mark.parametrize(("kind", "subject"), [("route", "get_test_mine"), ("anonymous", "each")])
def test_a_limit_for_a_route_or_for_who_is_not_known_is_set(browser, me, kind, subject):
    Person.update(role="admin").execute()
    place = f"/v1/admin/limits/{kind}/{subject}"

    assert browser.request("PUT", place, headers=me, json={"perMinute": 7}).status_code == 200
    assert browser.request("DELETE", place, headers=me).status_code == 204


def test_a_limit_of_a_route_that_is_there_no_more_is_lifted(browser, me):
    Person.update(role="admin").execute()
    rate_limit(kind="route", subject="post_v1_nowhere", per_minute=2)

    gone = browser.request("DELETE", "/v1/admin/limits/route/post_v1_nowhere", headers=me)
    assert gone.status_code == 204


@pytest.mark.parametrize("path", ["/test/mine", "/test/public"])
def test_a_limit_that_was_set_for_a_route_holds(open_browser, settings, me, path):
    rate_limit(kind="route", subject=f"get{path.replace('/', '_')}", per_minute=2)
    fresh = open_browser(*EXTRA, rate_limits="on", redis_url=settings.redis_url)

    codes = [fresh.get(path, headers=me, remote_addr=HERE).status_code for _ in range(3)]

    assert codes == [200, 200, 429]
    assert fresh.get("/test/public", remote_addr="203.0.113.8").status_code == 200


def test_a_limit_that_was_set_for_who_is_not_known_holds(open_browser, settings):
    rate_limit(kind="anonymous", subject="each", per_minute=2)
    fresh = open_browser(*EXTRA, rate_limits="on", redis_url=settings.redis_url)

    codes = [fresh.get("/test/public", remote_addr=HERE).status_code for _ in range(3)]

    assert codes == [200, 200, 429]


def test_without_redis_a_process_counts_alone(open_browser):
    browser = open_browser(*EXTRA, rate_limits="on")
    me = _somebody(browser)

    codes = [browser.get("/test/mine", headers=me).status_code for _ in range(FREE + 3)]

    assert codes == [200] * FREE + [429] * 3


def test_limits_that_are_off_tell_nothing_and_still_stop_guessing(open_browser, settings):
    browser = open_browser(*EXTRA, rate_limits="off", redis_url=settings.redis_url)
    me = _somebody(browser)
    wrong = {"email": "nobody@example.org", "password": "wrong sentence"}
    guesses = Catalogued.read().guessing
    codes = [browser.post("/v1/auth/login", json=wrong).status_code for _ in range(guesses + 2)]

    assert "X-RateLimit-Limit" not in browser.get("/test/mine", headers=me).headers
    assert codes[guesses:] == [429, 429]
    assert 429 not in codes[:guesses]


def test_logging_in_rightly_is_no_guess(open_browser, settings, email):
    browser = open_browser(rate_limits="off", redis_url=settings.redis_url)
    right = {"email": email, "password": PASSWORD}
    browser.post("/v1/auth/register", json=right)
    count = Catalogued.read().guessing + 2

    assert {browser.post("/v1/auth/login", json=right).status_code for _ in range(count)} == {200}


def test_a_refusal_of_ours_is_told_before_the_body_is_judged(browser, me, cache):
    used_up(cache, user_window(), FREE)

    answer = browser.post("/v1/jobs", headers=me, json={"odd": 1})

    assert code(answer) == (429, RateLimitExceeded.code)


def _somebody(browser):
    who = {"email": "ada@example.org", "password": PASSWORD}
    browser.post("/v1/auth/register", json=who)
    login = browser.post("/v1/auth/login", json=who)
    return {"Authorization": f"Bearer {login.json['access_token']}"}
