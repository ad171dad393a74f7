"""Verifying an address and a forgotten password over HTTP; letters are read from their jobs."""

import pytest

from jobs.mail import SendLetter
from jobs.proofs import Proofs
from models.accounts import Person
from models.jobs import JobRow
from models.kernel.clock import SystemClock
from models.kernel.secrets import open_secrets
from models.kernel.settings import Settings
from tests.api.conftest import PASSWORD, address, code

pytestmark = pytest.mark.usefixtures("database")

NEW = "another long sentence"


@pytest.fixture
def letter(tmp_path):
    """Return the token that the last letter of a kind to an address would carry."""
    proofs = Proofs(open_secrets(Settings(home=tmp_path)), SystemClock())

    def read(kind, email):
        asked = JobRow.select().where(JobRow.type == SendLetter.name).order_by(JobRow.id.desc())
        job = next(each for each in asked if each.input == {"kind": kind, "email": email})
        return proofs.issue(kind, Person.by_email(email), job.id)[1]

    return read


def login(browser, email, password=PASSWORD):
    return browser.post("/v1/auth/login", json={"email": email, "password": password})


def forgot(browser, email):
    return browser.post("/v1/auth/password/forgot", json={"email": email})


def test_registering_sends_what_verifies_the_address(browser, me, email, letter):
    assert browser.get("/v1/users/me", headers=me).json["emailVerifiedAt"] is None

    answer = browser.post("/v1/auth/verify-email", json={"token": letter("verify", email)})

    assert answer.status_code == 200
    assert browser.get("/v1/users/me", headers=me).json["emailVerifiedAt"]


def test_where_mail_is_sent_an_address_is_verified_before_it_logs_in(open_browser, email, letter):
    strict = open_browser(smtp_url="smtp://mail.example")
    strict.post("/v1/auth/register", json={"email": email, "password": PASSWORD})
    assert code(login(strict, email)) == (403, "EMAIL_NOT_VERIFIED")

    strict.post("/v1/auth/verify-email", json={"token": letter("verify", email)})

    assert login(strict, email).status_code == 200


def test_a_forgotten_password_is_chosen_anew_and_every_login_ends(browser, me, email, letter):
    answer = forgot(browser, email.upper())
    assert (answer.status_code, answer.content) == (202, b"{}")

    body = {"token": letter("reset", email), "password": NEW}
    assert browser.post("/v1/auth/password/reset", json=body).status_code == 204

    assert browser.get("/v1/users/me", headers=me).status_code == 401
    assert login(browser, email).status_code == 401
    assert login(browser, email, NEW).status_code == 200
    again = browser.post("/v1/auth/password/reset", json=body)
    assert code(again) == (400, "VALIDATION_ERROR")
    assert [each["field"] for each in again.json["error"]["details"]] == ["token"]


def test_forgetting_is_answered_the_same_and_as_fast_for_an_address_nobody_has(browser, me, email):
    def seconds(whose):
        started = SystemClock().elapsed()
        answer = forgot(browser, whose)
        taken = SystemClock().elapsed() - started
        assert (answer.status_code, answer.content) == (202, b"{}")
        return taken

    nobody = address()
    seconds(address())
    rounds = [(seconds(email), seconds(nobody)) for _ in range(5)]
    known, unknown = (min(taken) for taken in zip(*rounds, strict=True))

    assert 0.3 < known / unknown < 3


def test_a_lost_letter_is_sent_again_and_nobody_learns_whose_address_it_is(
    browser, me, email, letter
):
    for whose in (email, address()):
        answer = browser.post("/v1/auth/verify-email/resend", json={"email": whose})
        assert (answer.status_code, answer.content) == (202, b"{}")

    token = letter("verify", email)
    assert browser.post("/v1/auth/verify-email", json={"token": token}).status_code == 200


def test_the_letters_are_no_jobs_of_the_person(browser, me):
    assert browser.get("/v1/jobs", headers=me).json["data"] == []


@pytest.mark.parametrize("path", ["/v1/auth/verify-email", "/v1/auth/password/reset"])
def test_what_is_no_token_names_the_field(browser, path):
    body = {"token": "x", **({"password": NEW} if "reset" in path else {})}

    answer = browser.post(path, json=body)

    assert code(answer) == (400, "VALIDATION_ERROR")
    assert [each["field"] for each in answer.json["error"]["details"]] == ["token"]
