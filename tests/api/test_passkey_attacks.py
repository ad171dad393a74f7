"""What attackers try with passkeys, and what comes of it (XC-06)."""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from jobs.attempts import WRONG
from models.kernel.clock import SystemClock
from models.logins import LoginAttempt
from models.passkeys import Passkey
from models.people import AuditEntry
from tests.api.browser import Browser
from tests.api.conftest import PASSWORD, Open, code
from tests.api.somebody import HOME, Somebody, somebody_at
from tests.authenticator import ATTESTED, PRESENT, Authenticator, data, text
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def ada(browser: Browser) -> Somebody:
    return Somebody(browser)


@pytest.fixture
def bob(browser: Browser) -> Somebody:
    return Somebody(browser)


LIES: dict[str, Callable[[Authenticator], Authenticator]] = {
    "another origin": lambda device: replace(device, origin="http://evil.example"),
    "our host at another port": lambda device: replace(device, origin="http://127.0.0.1:9000"),
    "another scheme": lambda device: replace(device, origin="https://127.0.0.1:8000"),
    "another place": lambda device: replace(device, place="evil.example"),
    "a challenge of their own": lambda device: replace(device, challenge=text(b"x" * 56)),
    "no challenge": lambda device: replace(device, challenge="AA"),
    "a user nobody verified": lambda device: replace(device, flags=PRESENT),
    "a user who was not there": lambda device: replace(device, flags=0),
    "in a frame of another page": lambda device: replace(device, is_framed=True),
    "another ceremony": lambda device: replace(device, kind="payment.get"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_signature_made_elsewhere_or_otherwise_logs_nobody_in(ada: Somebody, lie: str) -> None:
    ada.enrol()

    assert code(ada.login(LIES[lie](ada.device))) == (401, "UNAUTHORIZED")

    last = LoginAttempt.select().order_by(LoginAttempt.id.desc()).get()
    assert (last.action, last.outcome, last.user_id) == ("passkey", WRONG, ada.person.id)
    assert ada.login().status_code == 200


@pytest.mark.parametrize("lie", LIES)
def test_a_passkey_made_elsewhere_or_otherwise_is_not_kept(ada: Somebody, lie: str) -> None:
    answer = ada.enrol(LIES[lie](ada.device))

    assert code(answer) == (400, "VALIDATION_ERROR")
    assert [each["field"] for each in answer.json["error"]["details"]] == ["credential"]
    assert Passkey.select().count() == 0


def test_an_answer_is_good_once_even_of_an_authenticator_that_does_not_count(
    ada: Somebody, browser: Browser
) -> None:
    ada.device.step = 0
    ada.enrol()
    body = {"credential": ada.device.sign(browser.post(f"{HOME}/login/options").json)}

    statuses = [browser.post(f"{HOME}/login", json=body).status_code for _ in range(2)]

    assert statuses == [200, 401]


def test_a_challenge_is_good_for_one_end_and_one_login(
    ada: Somebody, bob: Somebody, browser: Browser
) -> None:
    ada.enrol()
    bob.enrol()
    to_show = ada.post("/v1/auth/mfa/passkey/options").json
    to_login = browser.post(f"{HOME}/login/options").json
    other = Authenticator()

    wrong_end = browser.post(f"{HOME}/login", json={"credential": ada.device.sign(to_show)})
    assert code(wrong_end) == (401, "UNAUTHORIZED")
    shown = ada.post("/v1/auth/mfa/verify", assertion=ada.device.sign(to_login))
    assert code(shown) == (401, "UNAUTHORIZED")
    bobs = bob.post(HOME, name="x", credential=other.make(ada.options()))
    assert code(bobs) == (400, "VALIDATION_ERROR")


def test_a_challenge_ends_after_five_minutes(open_browser: Open) -> None:
    clock = FakeClock(SystemClock().now())
    ada = somebody_at(open_browser, clock)
    ada.enrol()
    first, second = (ada.browser.post(f"{HOME}/login/options").json for _ in range(2))

    clock.move(299)
    in_time = ada.browser.post(f"{HOME}/login", json={"credential": ada.device.sign(first)})
    clock.move(1)
    too_late = ada.browser.post(f"{HOME}/login", json={"credential": ada.device.sign(second)})

    assert (in_time.status_code, too_late.status_code) == (200, 401)


def test_nobody_shows_anothers_passkey(ada: Somebody, bob: Somebody, browser: Browser) -> None:
    ada.enrol()
    bob.enrol()
    asked = browser.post("/v1/auth/login", json={"email": ada.email, "password": PASSWORD})
    token = asked.json["error"]["mfaToken"]
    options = browser.post("/v1/auth/mfa/passkey/options", json={"mfa_token": token}).json

    body = {"mfa_token": token, "assertion": bob.device.sign(options)}
    assert code(browser.post("/v1/auth/mfa/verify", json=body)) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize("handle", [b"", b"x" * 16])
def test_a_passkey_names_its_own_user(ada: Somebody, handle: bytes) -> None:
    ada.enrol()

    assert code(ada.login(replace(ada.device, handle=handle))) == (401, "UNAUTHORIZED")


def test_nobody_enrols_a_passkey_that_is_somebodys(ada: Somebody, bob: Somebody) -> None:
    ada.enrol()
    copied = replace(Authenticator(), credential_id=ada.device.credential_id)

    assert code(bob.enrol(copied)) == (409, "DUPLICATE_RESOURCE")
    assert bob.browser.get("/v1/auth/mfa", headers=bob.me).json["factors"] == []
    assert ada.login().status_code == 200


def test_a_key_that_is_not_the_one_enrolled_signs_nothing(ada: Somebody) -> None:
    ada.enrol()
    forged = replace(ada.device, key=Authenticator().key)

    assert code(ada.login(forged)) == (401, "UNAUTHORIZED")


def test_a_tampered_signature_or_body_signs_nothing(ada: Somebody, browser: Browser) -> None:
    ada.enrol()
    for part in ("signature", "authenticatorData", "clientDataJSON"):
        credential = ada.device.sign(browser.post(f"{HOME}/login/options").json)
        odd = bytearray(data(credential["response"][part]))
        odd[-2] ^= 1
        credential["response"][part] = text(bytes(odd))

        answer = browser.post(f"{HOME}/login", json={"credential": credential})

        assert code(answer) == (401, "UNAUTHORIZED"), part


def test_a_count_that_goes_back_or_stands_still_is_refused_and_written_down(
    ada: Somebody,
) -> None:
    ada.device.sign_count = 7
    ada.enrol()
    assert ada.login().status_code == 200

    copy = replace(ada.device, sign_count=3)
    still = replace(ada.device, step=0)

    assert code(ada.login(copy)) == (401, "UNAUTHORIZED")
    assert code(ada.login(still)) == (401, "UNAUTHORIZED")
    *entries, first = AuditEntry.about(ada.person.id)
    assert [entry.action for entry in entries] == ["passkey.rolled_back"] * 2
    assert first.action == "factor.added"
    assert [entry.details["said"] for entry in entries] == [8, 4]
    assert ada.login().status_code == 200


def test_an_authenticator_that_does_not_count_is_taken(ada: Somebody) -> None:
    ada.device.step = 0
    ada.enrol()

    assert [ada.login().status_code for _ in range(2)] == [200, 200]


@pytest.mark.parametrize(
    "credential", [{}, {"id": 7}, {"response": []}, {"response": {"clientDataJSON": "e30"}}]
)
def test_what_is_no_credential_is_told_so(
    ada: Somebody, browser: Browser, credential: dict[str, Any]
) -> None:
    ada.options()
    enrolled = ada.post(HOME, name="x", credential=credential)
    assert code(enrolled) == (400, "VALIDATION_ERROR")
    shown = browser.post(f"{HOME}/login", json={"credential": credential})
    assert code(shown) == (401, "UNAUTHORIZED")


def test_odd_bytes_are_refused_and_never_a_fault_of_ours(ada: Somebody) -> None:
    chance = random.Random(20261121)
    for _ in range(25):
        credential = ada.device.make(ada.options())
        odd = bytearray(data(credential["response"]["attestationObject"]))
        for _ in range(chance.randint(1, 4)):
            odd[chance.randrange(len(odd))] = chance.randrange(256)
        cut = chance.choice([len(odd), len(odd), chance.randrange(len(odd))])
        credential["response"]["attestationObject"] = text(bytes(odd[:cut]))

        answer = ada.post(HOME, name="x", credential=credential)

        assert answer.status_code in {201, 400, 409}, answer.text


def test_the_flags_that_say_a_passkey_is_there_do_not_make_one(ada: Somebody) -> None:
    ada.enrol()

    assert ada.login(replace(ada.device, flags=PRESENT | ATTESTED)).status_code == 401
