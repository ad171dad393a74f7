"""Passkeys over HTTP, with an authenticator in software (XC-06)."""

import pytest

from models.kernel.clock import SystemClock
from models.logins import LoginSession
from tests.api.browser import Browser
from tests.api.conftest import PASSWORD, Open, code
from tests.api.somebody import HOME, Somebody, somebody_at
from tests.authenticator import Authenticator, text
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def ada(browser: Browser) -> Somebody:
    return Somebody(browser)


@pytest.fixture
def bob(browser: Browser) -> Somebody:
    return Somebody(browser)


def test_a_passkey_is_made_and_listed_and_named_and_brings_recovery_codes(ada: Somebody) -> None:
    options = ada.options()
    assert options["rp"] == {"name": "Ilm", "id": "127.0.0.1"}
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["authenticatorSelection"]["residentKey"] == "required"

    made = ada.enrol()

    assert made.status_code == 201
    assert len(made.json["recoveryCodes"]) == 10
    assert made.json["transports"] == ["hybrid", "internal"]
    path = made.headers["location"]
    assert ada.browser.request(
        "PATCH", path, headers=ada.me, json={"name": "my phone"}
    ).json["name"] == "my phone"  # fmt: skip
    (listed,) = ada.browser.get(HOME, headers=ada.me).json["data"]
    assert (listed["name"], listed["lastUsedAt"]) == ("my phone", None)
    assert ada.browser.get("/v1/auth/mfa", headers=ada.me).json["factors"] == ["passkey"]
    excluded = [each["id"] for each in ada.options()["excludeCredentials"]]
    assert excluded == [text(ada.device.credential_id)]
    assert ada.enrol(Authenticator()).json["recoveryCodes"] == []


def test_a_passkey_alone_logs_in_stepped_up(ada: Somebody, browser: Browser) -> None:
    ada.enrol()
    options = browser.post(f"{HOME}/login/options").json
    assert options["allowCredentials"] == []

    answer = ada.login()

    assert answer.status_code == 200
    fresh = Somebody.bearer(answer)
    assert browser.get("/v1/users/me", headers=fresh).json["email"] == ada.email
    codes = browser.post("/v1/auth/mfa/recovery-codes", headers=fresh)
    assert codes.status_code == 200
    (listed,) = browser.get(HOME, headers=fresh).json["data"]
    assert listed["lastUsedAt"]


def test_a_passkey_is_the_second_factor_of_a_password(ada: Somebody, browser: Browser) -> None:
    ada.enrol()
    asked = browser.post("/v1/auth/login", json={"email": ada.email, "password": PASSWORD})
    assert code(asked) == (401, "MFA_REQUIRED")
    token = asked.json["error"]["mfaToken"]

    options = browser.post("/v1/auth/mfa/passkey/options", json={"mfa_token": token}).json
    assert [each["id"] for each in options["allowCredentials"]] == [text(ada.device.credential_id)]
    body = {"mfa_token": token, "assertion": ada.device.sign(options)}
    answer = browser.post("/v1/auth/mfa/verify", json=body)

    assert answer.status_code == 200
    assert browser.get("/v1/users/me", headers=Somebody.bearer(answer)).status_code == 200
    assert code(browser.post("/v1/auth/mfa/verify", json=body)) == (401, "UNAUTHORIZED")


def test_a_passkey_steps_a_login_up(ada: Somebody) -> None:
    ada.enrol()
    LoginSession.update(stepped_up_at=None).execute()
    assert code(ada.post("/v1/auth/mfa/recovery-codes")) == (403, "STEP_UP_REQUIRED")
    options = ada.post("/v1/auth/mfa/passkey/options").json

    answer = ada.post("/v1/auth/mfa/verify", assertion=ada.device.sign(options))

    assert (answer.status_code, answer.json) == (200, {"stepped_up_seconds": 900})
    assert ada.post("/v1/auth/mfa/recovery-codes").status_code == 200


@pytest.mark.parametrize("body", [{}, {"code": "123456", "assertion": {"id": "x"}}])
def test_a_code_or_an_assertion_is_shown_and_not_both(
    ada: Somebody, body: dict[str, object]
) -> None:
    assert code(ada.post("/v1/auth/mfa/verify", **body)) == (400, "VALIDATION_ERROR")


def test_a_passkey_is_taken_away_by_who_has_shown_one(ada: Somebody, bob: Somebody) -> None:
    path = ada.enrol().headers["location"]
    bob.enrol()

    theirs = ada.browser.request("DELETE", path, headers=bob.me)
    assert code(theirs) == (404, "NOT_FOUND")
    renamed = ada.browser.request("PATCH", path, headers=bob.me, json={"name": "mine"})
    assert code(renamed) == (404, "NOT_FOUND")
    assert ada.browser.request("DELETE", path, headers=ada.me).status_code == 204

    assert code(ada.login()) == (401, "UNAUTHORIZED")
    plain = {"email": ada.email, "password": PASSWORD}
    assert ada.browser.post("/v1/auth/login", json=plain).status_code == 200


def test_a_passkey_wants_a_fresh_login_or_a_factor_shown(open_browser: Open) -> None:
    clock = FakeClock(SystemClock().now())
    ada = somebody_at(open_browser, clock)
    made = ada.device.make(ada.options())
    ada.wait(clock, 1_000)

    for path, body in ((f"{HOME}/options", {}), (HOME, {"name": "x", "credential": made})):
        assert code(ada.post(path, **body)) == (403, "STEP_UP_REQUIRED")


def test_twenty_passkeys_are_the_most(ada: Somebody) -> None:
    for _ in range(20):
        assert ada.enrol(Authenticator()).status_code == 201

    answer = ada.browser.post(f"{HOME}/options", headers=ada.me)

    assert code(answer) == (409, "CONFLICT")
