"""The same Idempotency-Key, the same answer."""

import pytest

from jobs.accounts import NewPerson, register
from models.kernel.clock import SystemClock
from tests.api.conftest import PASSWORD, address, code, make_key

pytestmark = pytest.mark.usefixtures("database")


def test_repeating_a_creation_answers_the_same_without_what_is_shown_once(browser, me):
    headers = {**me, "Idempotency-Key": "k1"}
    first, second = make_key(browser, headers), make_key(browser, headers)

    assert second.status_code == 201
    assert second.json == {**first.json, "key": None}
    assert second.headers["Location"] == first.headers["Location"]
    assert browser.get("/v1/api-keys", headers=me).json["pagination"]["total"] == 1


def test_many_at_once_create_once(browser, me):
    headers = {**me, "Idempotency-Key": "k1"}
    sent = [
        browser.send("POST", "/v1/api-keys", headers=headers, json={"name": "x"}) for _ in range(6)
    ]
    answers = [each.result(60) for each in sent]

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json["id"] for answer in answers}) == 1
    assert sum(answer.json["key"] is not None for answer in answers) == 1


def test_another_body_under_the_same_key_is_a_conflict_not_to_be_retried(browser, me):
    headers = {**me, "Idempotency-Key": "k1"}
    make_key(browser, headers)

    answer = make_key(browser, headers, name="another")

    assert code(answer) == (409, "CONFLICT")
    assert answer.headers["x-should-retry"] == "false"


def test_a_refusal_is_not_kept(browser, me):
    headers = {**me, "Idempotency-Key": "k1"}
    past = {"expiresAt": "2020-01-01T00:00:00Z"}

    assert make_key(browser, headers, **past).status_code == 400
    assert make_key(browser, headers).status_code == 201


def test_a_key_is_one_accounts_own(browser, me):
    make_key(browser, {**me, "Idempotency-Key": "k1"})
    other = address()
    register(NewPerson(email=other, password=PASSWORD), SystemClock())
    login = browser.post("/v1/auth/login", json={"email": other, "password": PASSWORD}).json
    theirs = {"Authorization": f"Bearer {login['access_token']}", "Idempotency-Key": "k1"}

    assert make_key(browser, theirs, name="another").status_code == 201


@pytest.mark.parametrize("odd", ["", " ", "x" * 256, "a b", "é"])
def test_an_odd_key_is_refused(browser, me, odd):
    answer = make_key(browser, {**me, "Idempotency-Key": odd})

    assert code(answer) == (400, "VALIDATION_ERROR")


def test_a_key_is_forgotten_after_a_day(browser, me, database):
    headers = {**me, "Idempotency-Key": "k1"}
    first = make_key(browser, headers).json["id"]
    database.rows("update idempotency_key set created_at = now() - interval '25 hours'")

    assert make_key(browser, headers, name="another").json["id"] != first
