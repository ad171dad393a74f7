"""Tokens for people's consent: what opens, what does not, and what is shown twice (A-14)."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest

from models.kernel.database import database as bound
from models.logins import LoginAttempt
from models.oauth import Authorization
from tests.api.oauth.actors import BACK, FORM, bearer, opens, refusal, registered, told_at

pytestmark = pytest.mark.usefixtures("database")


def test_a_code_gives_tokens_that_open_what_was_granted_and_nothing_else(browser, app, tokens):
    assert set(tokens) == {
        "access_token", "token_type", "expires_in", "scope", "refresh_token", "id_token"
    }  # fmt: skip
    assert tokens["scope"] == "books:read offline_access openid"
    assert opens(browser, tokens["access_token"]) == 200
    assert opens(browser, tokens["access_token"], "/v1/users/me") == 403
    assert opens(browser, tokens["access_token"], "/v1/api-keys") == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/auth/sessions"),
        ("POST", "/v1/auth/logout"),
        ("GET", "/v1/auth/mfa"),
        ("POST", "/v1/auth/mfa/totp"),
        ("GET", "/v1/oauth/apps"),
        ("POST", "/v1/oauth/apps"),
        ("GET", "/v1/oauth/grants"),
    ],
)
def test_an_apps_token_manages_no_credentials(browser, tokens, method, path):
    answer = browser.request(method, path, headers=bearer(tokens["access_token"]))

    assert (answer.status_code, answer.json["error"]["code"]) == (403, "FORBIDDEN")


def test_who_somebody_is_is_told_as_far_as_the_scopes_go(browser, ada, app, tokens, email):
    short = browser.get("/oauth/userinfo", headers=bearer(tokens["access_token"])).json
    code = told_at(ada.consent(app.address(scope="openid profile email")))["code"]
    whole = app.redeem(code).json

    told = browser.post("/oauth/userinfo", headers=bearer(whole["access_token"])).json

    assert set(short) == {"sub"}
    assert (told["sub"], told["name"], told["email"]) == (short["sub"], "Ada", email)
    assert told["email_verified"] is False


def test_who_somebody_is_is_not_told_to_a_login(browser, me):
    assert browser.get("/oauth/userinfo", headers=me).status_code == 403


def test_without_offline_access_there_is_no_refresh_token(ada, app):
    tokens = app.redeem(told_at(ada.consent(app.address(scope="openid")))["code"]).json

    assert "refresh_token" not in tokens


def test_admission_is_one_statement(browser, tokens, monkeypatch):
    asked = []
    original = bound.obj.execute_sql

    def execute(sql, parameters=None):
        asked.append(sql)
        return original(sql, parameters)

    monkeypatch.setattr(bound.obj, "execute_sql", execute)
    opens(browser, tokens["access_token"])

    assert len([sql for sql in asked if "oauth_" in sql or "join person" in sql]) == 1


class TestACode:
    def test_is_good_once_and_shown_again_ends_what_came_of_it(self, browser, app, code):
        tokens = app.redeem(code).json

        assert refusal(app.redeem(code)) == (400, "invalid_grant")

        assert opens(browser, tokens["access_token"]) == 401
        assert refusal(app.refresh(tokens["refresh_token"])) == (400, "invalid_grant")
        assert LoginAttempt.select().where(LoginAttempt.outcome == "reused").count() == 1

    def test_is_good_for_a_minute(self, ada, app):
        long_ago = datetime.now(UTC) - timedelta(seconds=1)
        code = told_at(ada.consent(app.address()))["code"]
        made = Authorization.get().expires_at - timedelta(minutes=1)
        assert long_ago < made < datetime.now(UTC) + timedelta(seconds=1)
        Authorization.update(expires_at=long_ago).execute()

        assert refusal(app.redeem(code)) == (400, "invalid_grant")

    def test_is_no_good_to_another_app_and_stays_good_to_its_own(self, browser, me, app, code):
        other = registered(browser, me)
        other.verifier = app.verifier

        assert refusal(other.redeem(code)) == (400, "invalid_grant")
        assert app.redeem(code).status_code == 200

    @pytest.mark.parametrize(
        "changes",
        [
            {"code_verifier": "x" * 43},
            {"code_verifier": "é"},
            {"redirect_uri": f"{BACK}/"},
            {"redirect_uri": "https://evil.example/"},
            {"code": "ilc_made_up"},
        ],
        ids=str,
    )
    def test_wants_its_own_verifier_and_redirect_uri(self, app, code, changes):
        assert refusal(app.redeem(**{"code": code, **changes})) == (400, "invalid_grant")

    @pytest.mark.parametrize("missing", ["code", "code_verifier", "redirect_uri"])
    def test_wants_all_it_was_made_with(self, app, code, missing):
        assert refusal(app.redeem(**{"code": code, missing: ""})) == (400, "invalid_request")

    def test_is_not_kept(self, code):
        assert code.encode() not in bytes(Authorization.get().code_digest)


class TestARefreshToken:
    def test_is_replaced_at_each_use(self, browser, app, tokens):
        fresh = app.refresh(tokens["refresh_token"]).json

        assert fresh["refresh_token"] != tokens["refresh_token"]
        assert opens(browser, fresh["access_token"]) == 200

    def test_used_twice_at_once_gives_the_same_new_one(self, app, tokens):
        once, twice = (app.refresh(tokens["refresh_token"]).json for _ in range(2))

        assert once["refresh_token"] == twice["refresh_token"]

    def test_used_again_later_ends_everything(self, browser, app, tokens, database):
        fresh = app.refresh(tokens["refresh_token"]).json
        database.rows("update oauth_authorization set rotated_at = now() - interval '11 seconds'")

        assert refusal(app.refresh(tokens["refresh_token"])) == (400, "invalid_grant")

        assert refusal(app.refresh(fresh["refresh_token"])) == (400, "invalid_grant")
        assert opens(browser, fresh["access_token"]) == 401

    def test_may_ask_for_less_and_not_for_more(self, browser, app, tokens):
        less = app.refresh(tokens["refresh_token"], scope="openid").json

        assert less["scope"] == "openid"
        assert opens(browser, less["access_token"]) == 403
        more = app.refresh(less["refresh_token"], scope="openid books:write")
        assert refusal(more) == (400, "invalid_scope")

    def test_is_no_good_to_another_app(self, browser, me, tokens):
        other = registered(browser, me)

        assert refusal(other.refresh(tokens["refresh_token"])) == (400, "invalid_grant")

    def test_is_no_good_where_a_login_is_refreshed(self, browser, tokens):
        body = {"refresh_token": tokens["refresh_token"]}

        assert browser.post("/v1/auth/refresh", json=body).status_code == 401

    @pytest.mark.parametrize("text", ["ilo_x", "x" * 76, "ilo_" + "A" * 72])
    def test_that_was_made_up_is_none(self, app, text):
        assert refusal(app.refresh(text)) == (400, "invalid_grant")


def test_an_id_token_opens_nothing(browser, tokens):
    assert opens(browser, tokens["id_token"]) == 401


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({}, "invalid_request"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
    ],
    ids=str,
)
def test_other_grants_are_not_known(app, fields, expected):
    assert refusal(app.post("/oauth/token", **fields)) == (400, expected)


def test_a_field_given_twice_is_refused(app):
    answer = app.browser.post(
        "/oauth/token",
        body=f"grant_type=refresh_token&grant_type=client_credentials&client_id={app.id}",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )

    assert refusal(answer) == (400, "invalid_request")


def test_a_grant_that_the_app_is_not_registered_for_is_refused(browser, me):
    app = registered(browser, me, grantTypes=["authorization_code"])

    answer = app.post("/oauth/token", grant_type="client_credentials")

    assert refusal(answer) == (400, "unauthorized_client")


def at_once(browser, app, times, **fields):
    """Post the same form many times at once; return the answers."""
    headers = {"Content-Type": FORM}
    body = urlencode({
        "client_id": app.id, "client_secret": app.told["clientSecret"], **fields
    })  # fmt: skip
    sent = [browser.send("POST", "/oauth/token", body=body, headers=headers) for _ in range(times)]
    return [answer.result(60) for answer in sent]


def test_of_many_who_show_one_code_at_once_one_gets_tokens_and_they_end(browser, app, code):
    answers = at_once(
        browser, app, 6, grant_type="authorization_code", code=code, redirect_uri=BACK,
        code_verifier=app.verifier,
    )  # fmt: skip

    got = [answer.json for answer in answers if answer.status_code == 200]
    assert len(got) <= 1
    assert all(opens(browser, each["access_token"]) == 401 for each in got)
    assert Authorization.get().end_reason == "replay"


def test_many_refreshes_at_once_come_to_one_new_token(browser, app, tokens):
    answers = at_once(
        browser, app, 6, grant_type="refresh_token", refresh_token=tokens["refresh_token"]
    )

    assert len({answer.json["refresh_token"] for answer in answers}) == 1
    assert Authorization.get().generation == 1
