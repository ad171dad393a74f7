"""Logging in, refreshing and out, over HTTP and a real database."""

import pytest

from models.kernel.clock import SystemClock
from models.kernel.database import database as bound
from models.logins import LoginAttempt
from tests.api.conftest import PASSWORD, address, code, make_key

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def tokens(browser, email):
    return newcomer(browser, email)


def newcomer(browser, email, **wish):
    browser.post("/v1/auth/register", json={"email": email, "password": PASSWORD})
    return login(browser, email, **wish).json


def login(browser, email, password=PASSWORD, *, protocol="http", **wish):
    return browser.post(
        "/v1/auth/login",
        json={"email": email, "password": password, **wish},
        headers={"User-Agent": "a test"},
        protocol=protocol,
    )


def me(tokens):
    return {"Authorization": f"Bearer {tokens['access_token']}"}


def refresh(browser, tokens):
    return browser.post("/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})


def opens(browser, tokens):
    return browser.get("/v1/users/me", headers=me(tokens)).status_code == 200


def test_a_refresh_answers_tokens_that_open(browser, tokens):
    answer = refresh(browser, tokens)

    assert set(answer.json) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert answer.json["refresh_token"] != tokens["refresh_token"]
    assert opens(browser, answer.json)


def test_a_stolen_refresh_token_ends_the_access_tokens_too(browser, tokens, database):
    fresh = refresh(browser, tokens).json
    database.rows("update login_session set rotated_at = now() - interval '11 seconds'")

    assert code(refresh(browser, tokens)) == (401, "UNAUTHORIZED")

    assert not opens(browser, fresh)
    assert refresh(browser, fresh).status_code == 401


def test_a_logout_ends_the_login_at_once_and_no_other(browser, tokens, email):
    other = login(browser, email).json

    answer = browser.post("/v1/auth/logout", headers=me(tokens))

    assert (answer.status_code, answer.content) == (204, b"")
    assert not opens(browser, tokens)
    assert refresh(browser, tokens).status_code == 401
    assert opens(browser, other)


def test_a_person_sees_where_they_are_logged_in_and_which_login_asks(browser, tokens, email):
    laptop = login(browser, email, device="laptop").json

    answer = browser.get("/v1/auth/sessions", headers=me(laptop)).json

    first, second = answer["data"]
    assert (first["device"], first["isCurrent"], second["isCurrent"]) == ("laptop", True, False)
    assert (first["agent"], first["id"][:5]) == ("a test", "sess_")
    assert set(first) == {
        "id", "device", "address", "agent", "createdAt", "lastUsedAt", "expiresAt", "isCurrent"
    }  # fmt: skip


def test_a_person_ends_another_of_their_logins(browser, tokens, email):
    other = login(browser, email).json
    listed = browser.get("/v1/auth/sessions", headers=me(tokens)).json["data"]
    path = f"/v1/auth/sessions/{next(each['id'] for each in listed if not each['isCurrent'])}"

    assert browser.request("DELETE", path, headers=me(tokens)).status_code == 204

    assert not opens(browser, other)
    assert browser.request("DELETE", path, headers=me(tokens)).status_code == 404
    assert len(browser.get("/v1/auth/sessions", headers=me(tokens)).json["data"]) == 1


def test_the_logins_of_another_are_not_found(browser, tokens):
    mine = browser.get("/v1/auth/sessions", headers=me(tokens)).json["data"][0]["id"]
    theirs = newcomer(browser, address())

    answer = browser.request("DELETE", f"/v1/auth/sessions/{mine}", headers=me(theirs))

    assert code(answer) == (404, "NOT_FOUND")
    assert opens(browser, tokens)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/auth/logout"),
        ("GET", "/v1/auth/sessions"),
        ("DELETE", f"/v1/auth/sessions/sess_{'0' * 32}"),
        ("GET", "/v1/auth/mfa"),
        ("POST", "/v1/auth/mfa/totp"),
        ("POST", "/v1/auth/mfa/recovery-codes"),
    ],
)
def test_an_api_key_manages_no_logins(browser, tokens, method, path):
    key = make_key(browser, me(tokens)).json["key"]

    assert code(browser.request(method, path, headers={"X-API-Key": key})) == (403, "FORBIDDEN")


def test_a_locked_account_says_for_how_long(browser, tokens, email):
    begun = SystemClock().elapsed()
    for _ in range(5):
        assert code(login(browser, email, "wrong", device="x")) == (401, "UNAUTHORIZED")

    answer = login(browser, email)
    took = SystemClock().elapsed() - begun

    assert code(answer) == (423, "ACCOUNT_LOCKED")
    assert 899 - took <= int(answer.headers["Retry-After"]) <= 900
    assert login(browser, email, device_token=tokens["device_token"]).status_code == 200


def test_an_attempt_is_written_with_the_id_of_its_request(browser, tokens, email):
    answer = login(browser, email, "wrong")

    row = LoginAttempt.select().order_by(LoginAttempt.id.desc()).get()
    assert (row.request_id, row.agent) == (answer.headers["X-Request-ID"], "a test")
    assert row.outcome == "wrong"


def test_admission_is_one_statement(browser, tokens, monkeypatch):
    asked = []
    original = bound.obj.execute_sql

    def execute(sql, parameters=None):
        asked.append(sql)
        return original(sql, parameters)

    monkeypatch.setattr(bound.obj, "execute_sql", execute)
    browser.get("/v1/books", headers=me(tokens))

    assert len([sql for sql in asked if "login_session" in sql or "from person" in sql]) == 1


class TestABrowser:
    """The refresh token in a cookie."""

    @pytest.fixture
    def cookies(self, browser, email):
        newcomer(browser, email)
        return login(browser, email, cookie=True)

    def test_gets_it_where_no_script_can_read_it_and_not_in_the_body(self, cookies):
        kept = cookies.cookies["ilm_refresh"]

        assert "refresh_token" not in cookies.json
        assert (kept.http_only, kept.same_site, kept.path) == (True, "Strict", "/v1/auth")
        assert cookies.cookies["ilm_csrf"].value == cookies.json["csrf_token"]
        assert not cookies.cookies["ilm_csrf"].http_only

    def test_is_told_to_send_it_over_https_alone_where_we_are_on_https(self, open_browser, email):
        secure = open_browser(public_url="https://ilm.example")
        body = {"email": email, "password": PASSWORD}
        secure.post("/v1/auth/register", json=body, protocol="https")

        answer = login(secure, email, protocol="https", cookie=True)

        assert [each.secure for each in answer.cookies.values()] == [True] * 4

    def test_refreshes_by_the_cookie_and_the_token_that_its_page_knows(self, browser, cookies):
        answer = by_cookie(browser, cookies, cookies.json["csrf_token"])

        assert answer.status_code == 200
        assert answer.cookies["ilm_refresh"].value != cookies.cookies["ilm_refresh"].value
        assert opens(browser, answer.json)

    @pytest.mark.parametrize("csrf", ["", "x", "é", None])
    def test_refreshes_nothing_for_a_page_that_does_not_know_it(self, browser, cookies, csrf):
        assert code(by_cookie(browser, cookies, csrf)) == (403, "FORBIDDEN")

    def test_does_not_take_the_token_of_another_login(self, browser, cookies, email):
        other = login(browser, email, cookie=True)

        assert by_cookie(browser, cookies, other.json["csrf_token"]).status_code == 403

    def test_without_the_cookie_is_nobody(self, browser):
        assert code(browser.post("/v1/auth/refresh", json={})) == (401, "UNAUTHORIZED")

    def test_loses_its_cookies_when_it_logs_out(self, browser, cookies):
        answer = browser.post("/v1/auth/logout", headers=me(cookies.json))

        assert {name: each.value for name, each in answer.cookies.items()} == {
            "ilm_refresh": "", "ilm_csrf": "", "ilm_session": "", "ilm_live": ""
        }  # fmt: skip


def by_cookie(browser, cookies, csrf):
    headers = {"Cookie": f"ilm_refresh={cookies.cookies['ilm_refresh'].value}"}
    if csrf is not None:
        headers["X-CSRF-Token"] = csrf
    return browser.post("/v1/auth/refresh", json={}, headers=headers)
