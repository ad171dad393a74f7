"""Second factors over HTTP: logging in with one, and administering."""

from base64 import b32decode

import pytest

from jobs import totp
from models.accounts import ApiKey
from models.factors import Factor
from models.kernel.clock import SystemClock
from models.logins import LoginSession
from tests.api.conftest import PASSWORD, code, make_key

pytestmark = pytest.mark.usefixtures("database")

STRICT = {"admin_mfa": "required"}
QUEUES = "/v1/admin/queues"


@pytest.fixture
def strict(open_browser):
    return open_browser(**STRICT)


@pytest.fixture
def admin(strict, email, database):
    """Return the headers of an administrator who is logged in."""
    strict.post("/v1/auth/register", json={"email": email, "password": PASSWORD})
    database.rows("update person set role = 'super_admin'")
    return headers(login(strict, email).json)


def login(browser, email):
    return browser.post("/v1/auth/login", json={"email": email, "password": PASSWORD})


def headers(tokens):
    return {"Authorization": f"Bearer {tokens['access_token']}"}


def current(secret, off=0):
    return totp.code_at(secret, int(SystemClock().now().timestamp()) // 30 + off)


def following(secret):
    """Return the code of the step to come: it counts already, and after one that was shown."""
    return current(secret, 1)


def enrol(browser, me):
    """Set an authenticator app up; return its secret, and the answer to its first code."""
    told = browser.post("/v1/auth/mfa/totp", headers=me).json
    secret = b32decode(told["secret"])
    body = {"code": current(secret)}
    return secret, browser.post("/v1/auth/mfa/totp/confirm", headers=me, json=body)


def verify(browser, **body):
    me = body.pop("me", {})
    return browser.post("/v1/auth/mfa/verify", headers=me, json=body)


def forget_step_up():
    LoginSession.update(stepped_up_at=None).execute()


def test_an_app_is_set_up_confirmed_listed_and_removed(browser, me):
    _, confirmed = enrol(browser, me)

    assert len(confirmed.json["recoveryCodes"]) == 10
    listed = browser.get("/v1/auth/mfa", headers=me).json
    assert listed == {"factors": ["totp"], "recoveryCodesLeft": 10}
    assert browser.request("DELETE", "/v1/auth/mfa/totp", headers=me).status_code == 204
    assert browser.get("/v1/auth/mfa", headers=me).json["factors"] == []


def test_a_login_with_a_factor_is_told_to_show_it_and_ends_with_its_code(browser, me, email):
    secret, _ = enrol(browser, me)

    asked = login(browser, email)
    assert code(asked) == (401, "MFA_REQUIRED")
    answer = verify(browser, mfa_token=asked.json["error"]["mfaToken"], code=following(secret))

    assert answer.status_code == 200
    assert {"access_token", "refresh_token", "device_token"} < set(answer.json)
    assert browser.get("/v1/users/me", headers=headers(answer.json)).status_code == 200


def test_a_pass_is_no_access_token(browser, me, email):
    enrol(browser, me)
    granted = login(browser, email).json["error"]["mfaToken"]

    answer = browser.get("/v1/users/me", headers={"Authorization": f"Bearer {granted}"})

    assert code(answer) == (401, "UNAUTHORIZED")


def test_a_browser_that_asked_for_a_cookie_gets_it_after_the_code(browser, me, email):
    secret, _ = enrol(browser, me)
    body = {"email": email, "password": PASSWORD, "cookie": True}
    granted = browser.post("/v1/auth/login", json=body).json["error"]["mfaToken"]

    answer = verify(browser, mfa_token=granted, code=following(secret))

    assert "ilm_refresh" in answer.cookies
    assert "refresh_token" not in answer.json


@pytest.mark.parametrize("token", ["x", "a.b.c"])
def test_what_is_no_pass_ends_no_login(browser, token):
    assert code(verify(browser, mfa_token=token, code="123456")) == (401, "UNAUTHORIZED")


def test_a_code_alone_wants_somebody_who_is_logged_in(browser):
    assert code(verify(browser, code="123456")) == (401, "UNAUTHORIZED")


def test_administering_wants_a_factor_shown_in_the_last_quarter_of_an_hour(strict, admin, database):
    assert code(strict.get(QUEUES, headers=admin)) == (403, "STEP_UP_REQUIRED")

    secret, _ = enrol(strict, admin)
    assert strict.get(QUEUES, headers=admin).status_code == 200

    database.rows("update login_session set stepped_up_at = now() - interval '901 seconds'")
    assert code(strict.get(QUEUES, headers=admin)) == (403, "STEP_UP_REQUIRED")
    stepped = verify(strict, me=admin, code=following(secret))
    assert stepped.json == {"stepped_up_seconds": 900}
    assert strict.get(QUEUES, headers=admin).status_code == 200


def test_who_may_not_administer_is_told_that_first(strict, admin, database):
    database.rows("update person set role = 'user'")

    assert code(strict.get(QUEUES, headers=admin)) == (403, "INSUFFICIENT_PERMISSIONS")


def test_what_is_not_administering_wants_no_factor(strict, admin):
    assert strict.get("/v1/users/me", headers=admin).status_code == 200


def test_a_key_made_while_stepped_up_administers_and_another_does_not(strict, admin):
    before = {"X-API-Key": make_key(strict, admin).json["key"]}
    enrol(strict, admin)
    made = {"X-API-Key": make_key(strict, admin).json["key"]}
    forget_step_up()

    assert strict.get(QUEUES, headers=made).status_code == 200
    assert code(strict.get(QUEUES, headers=before)) == (403, "STEP_UP_REQUIRED")
    assert sorted(key.is_stepped_up for key in ApiKey.select()) == [False, True]


def test_a_key_hands_on_no_more_than_it_has(strict, admin):
    before = {"X-API-Key": make_key(strict, admin).json["key"]}
    enrol(strict, admin)

    child = {"X-API-Key": make_key(strict, before).json["key"]}

    assert code(strict.get(QUEUES, headers=child)) == (403, "STEP_UP_REQUIRED")


def test_administering_at_home_wants_no_factor(browser, me, database):
    database.rows("update person set role = 'admin'")

    assert browser.get(QUEUES, headers=me).status_code == 200


def test_codes_by_mail_are_asked_for_and_never_told(browser, me, email):
    answer = browser.post("/v1/auth/mfa/email", headers=me)

    assert (answer.status_code, answer.content) == (202, b"{}")
    wrong = browser.post("/v1/auth/mfa/email/confirm", headers=me, json={"code": "000000"})
    assert wrong.status_code == 401
    Factor.update(confirmed_at=SystemClock().now()).execute()
    granted = login(browser, email).json["error"]["mfaToken"]
    sent = browser.post("/v1/auth/mfa/email/send", json={"mfa_token": granted})
    assert (sent.status_code, sent.content) == (202, b"{}")


def test_new_recovery_codes_want_the_factor_shown(browser, me):
    enrol(browser, me)
    assert len(browser.post("/v1/auth/mfa/recovery-codes", headers=me).json["recoveryCodes"]) == 10
    forget_step_up()

    answer = browser.post("/v1/auth/mfa/recovery-codes", headers=me)

    assert code(answer) == (403, "STEP_UP_REQUIRED")
