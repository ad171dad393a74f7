"""Jobs over HTTP: what may be submitted, by whom it is seen, and how it is stopped."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from models.jobs import CreditHold, JobRow
from models.kernel.database import Pool
from models.kernel.ids import new_id, wire_id
from tests import factories
from tests.api.conftest import code
from tests.api.reader import Reader

Kept = Callable[[], tuple[object, ...]]

ECHO: dict[str, Any] = {"type": "system.echo", "input": {"text": "hello"}}
QUESTION = [{"role": "user", "content": "Why?"}]


def asked(**given: Any) -> dict[str, Any]:
    return {
        "type": "llm.completion",
        "input": {"model": "ilm-extractive", "messages": QUESTION, **given},
    }


def test_a_job_that_is_accepted_is_kept_although_no_broker_answers(ada: Reader) -> None:
    answer = ada.post("/v1/jobs", json=ECHO, headers={"X-Request-ID": "mine"})

    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/v1/jobs/{answer.json['id']}"
    assert (
        answer.json.items()
        >= {
            "type": "system.echo",
            "status": "queued",
            "attempt": 0,
            "progress": {"completed": 0, "total": 0, "percentage": 0},
            "startedAt": None,
            "finishedAt": None,
            "result": None,
            "error": None,
        }.items()
    )
    assert set(answer.json) == {
        "id", "type", "status", "progress", "attempt", "maxAttempts", "createdAt", "startedAt",
        "finishedAt", "result", "error",
    }  # fmt: skip
    assert ada.get(answer.headers["Location"]).json == answer.json
    assert (JobRow.get().request_id, JobRow.get().account_id) == ("mine", ada.account_id)


def test_priority_and_deadline_are_kept(ada: Reader, database: Pool) -> None:
    ada.post("/v1/jobs", json={**ECHO, "priority": 9, "deadlineSeconds": 60})

    assert database.rows(
        "select priority, round(extract(epoch from deadline_at - created_at)) from job"
    ) == [(9, 60)]


BAD_JOBS: dict[str, tuple[Any, str]] = {
    "no type": ({"input": {}}, "type"),
    "no input": ({"type": "system.echo"}, "input"),
    "an unknown type": ({"type": "system.halt", "input": {}}, "type"),
    "a type that is ours alone": ({"type": "book.text", "input": {}}, "type"),
    "a number for a type": ({"type": 3, "input": {}}, "type"),
    "a list for an input": ({"type": "system.echo", "input": []}, "input"),
    "an unknown field": ({**ECHO, "queue": "llm"}, "queue"),
    "an account of one's choice": ({**ECHO, "accountId": "x"}, "accountId"),
    "a priority too high": ({**ECHO, "priority": 10}, "priority"),
    "a priority below any": ({**ECHO, "priority": -1}, "priority"),
    "half a priority": ({**ECHO, "priority": 0.5}, "priority"),
    "a truth for a priority": ({**ECHO, "priority": True}, "priority"),
    "a deadline in the past": ({**ECHO, "deadlineSeconds": 0}, "deadlineSeconds"),
    "a deadline after all days": ({**ECHO, "deadlineSeconds": 86_401}, "deadlineSeconds"),
    "a text in digits": ({**ECHO, "deadlineSeconds": "60"}, "deadlineSeconds"),
    "no text": ({**ECHO, "input": {}}, "input.text"),
    "a number for a text": ({**ECHO, "input": {"text": 3}}, "input.text"),
    "a NUL": ({**ECHO, "input": {"text": "\0"}}, "input.text"),
    "half a character": ({**ECHO, "input": {"text": "\ud800"}}, "input.text"),
    "a text too long": ({**ECHO, "input": {"text": "a" * 200_001}}, "input.text"),
    "no chunk": ({**ECHO, "input": {"text": "", "chunks": 0}}, "input.chunks"),
    "too many chunks": ({**ECHO, "input": {"text": "", "chunks": 10_001}}, "input.chunks"),
    "camel case": ({**ECHO, "input": {"text": "", "intervalMs": 1}}, "input.intervalMs"),
    "an unknown input": ({**ECHO, "input": {"text": "", "job_id": "x"}}, "input.job_id"),
    "no model": ({"type": "llm.completion", "input": {"messages": QUESTION}}, "input.model"),
    "an unknown model": (asked(model="gpt-0"), "input.model"),
    "no message": (asked(messages=[]), "input.messages"),
    "a role that is none": (
        asked(messages=[{"role": "root", "content": "x"}]), "input.messages.0.role",
    ),
    "an empty message": (
        asked(messages=[{"role": "user", "content": ""}]), "input.messages.0.content",
    ),
    "an answer of nothing": (asked(max_tokens=0), "input.max_tokens"),
    "too hot": (asked(temperature=3), "input.temperature"),
    "a book of another kind": (asked(book_id="job_" + "0" * 32), "input.book_id"),
    "a path for a book": (asked(book_id="../../etc/passwd"), "input.book_id"),
    "a number for a book": (asked(book_id=3), "input.book_id"),
    "drawing of no book": ({"type": "pages.generate", "input": {}}, "input.book_id"),
    "drawing of null": ({"type": "pages.generate", "input": {"book_id": None}}, "input.book_id"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_JOBS)
def test_a_job_that_is_wrong_is_not_kept(ada: Reader, kept: Kept, name: str) -> None:
    body, field = BAD_JOBS[name]
    before = kept()

    answer = ada.post(
        "/v1/jobs", body=json.dumps(body), headers={"Content-Type": "application/json"}
    )

    assert code(answer) == (400, "VALIDATION_ERROR")
    assert [each["field"] for each in answer.json["error"]["details"]] == [field]
    assert kept() == before


BOOK_JOBS = {
    "pages.generate": lambda book: {"type": "pages.generate", "input": {"book_id": book}},
    "llm.completion": lambda book: asked(book_id=book),
}


@pytest.mark.parametrize("kind", BOOK_JOBS)
def test_a_job_about_a_book_one_may_not_see_is_not_kept(
    ada: Reader, bob: Reader, kind: str
) -> None:
    private = factories.book(bob.person)
    deleted = factories.book(ada.person, deleted_at=factories.LATER)
    jobs = {name: BOOK_JOBS[kind](wire_id("book", book)) for name, book in (
        ("nobody's", new_id()), ("another's", private.id), ("gone", deleted.id),
    )}  # fmt: skip

    assert code(ada.post("/v1/jobs", json=jobs["nobody's"])) == (404, "NOT_FOUND")
    assert code(ada.post("/v1/jobs", json=jobs["another's"])) == (404, "NOT_FOUND")
    assert code(ada.post("/v1/jobs", json=jobs["gone"])) == (404, "RESOURCE_DELETED")
    assert JobRow.select().count() == 0


def test_of_anothers_public_book_one_may_ask_and_not_draw(ada: Reader, bob: Reader) -> None:
    book = wire_id("book", factories.book(bob.person, visibility="public").id)

    assert code(ada.post("/v1/jobs", json=BOOK_JOBS["pages.generate"](book))) == (403, "FORBIDDEN")
    assert ada.post("/v1/jobs", json=BOOK_JOBS["llm.completion"](book)).status_code == 202


def test_a_free_llm_holds_nothing(ada: Reader) -> None:
    ada.post("/v1/jobs", json=asked())

    assert CreditHold.select().count() == 0


SEEING = (("GET", ""), ("GET", "/events"), ("POST", "/cancel"))


@pytest.mark.parametrize(("verb", "path"), SEEING, ids=[f"{v} {p}" for v, p in SEEING])
def test_anothers_job_is_not_there_on_any_verb(
    ada: Reader, bob: Reader, verb: str, path: str
) -> None:
    job = ada.post("/v1/jobs", json=ECHO).headers["Location"]
    trial = Reader(ada.browser, ada.person, mode="test")

    for stranger in (bob, trial):
        assert code(stranger.send(verb, job + path)) == (404, "NOT_FOUND")
    assert code(ada.browser.request(verb, job + path)) == (401, "UNAUTHORIZED")
    assert JobRow.get().state == "queued"


def test_a_queued_job_is_cancelled_at_once_and_once(ada: Reader) -> None:
    job = ada.post("/v1/jobs", json=ECHO).headers["Location"]

    first, again = ada.post(f"{job}/cancel"), ada.post(f"{job}/cancel")

    assert first.status_code == 200
    assert first.json["status"] == "cancelled"
    assert first.json["finishedAt"]
    assert first.json["error"]["code"] == "CANCELLED"
    assert again.json == first.json


def test_jobs_are_listed_newest_first_and_filtered(ada: Reader, bob: Reader) -> None:
    ids = [ada.post("/v1/jobs", json=each).json["id"] for each in (ECHO, asked(), ECHO)]
    bob.post("/v1/jobs", json=ECHO)
    ada.post(f"/v1/jobs/{ids[0]}/cancel")

    def found(query: str) -> list[str]:
        return [job["id"] for job in ada.get(f"/v1/jobs{query}").json["data"]]

    assert found("") == ids[::-1]
    assert found("?type=system.echo") == [ids[2], ids[0]]
    assert found("?status=cancelled") == [ids[0]]
    assert found("?status=queued,cancelled&type=llm.completion,system.echo") == ids[::-1]
    assert found("?limit=1&page=2") == [ids[1]]
    assert found("?type='%20or%201=1%20--") == []


@pytest.mark.parametrize("query", ["status=lost", "status=", "type=", "state=queued", "limit=0"])
def test_an_odd_query_is_refused(ada: Reader, query: str) -> None:
    assert code(ada.get(f"/v1/jobs?{query}")) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize("cursor", ["-1", "one", "1.5", "99999999999999999999", "1;2", "٣"])
def test_an_odd_cursor_is_refused(ada: Reader, cursor: str) -> None:
    job = ada.post("/v1/jobs", json=ECHO).headers["Location"]

    by_query = ada.get(f"{job}/events", params={"starting_after": cursor})

    assert code(by_query) == (400, "VALIDATION_ERROR")
    if cursor.isascii():
        by_header = ada.get(f"{job}/events", headers={"Last-Event-ID": cursor})
        assert code(by_header) == (400, "VALIDATION_ERROR")


def test_the_same_key_is_the_same_job(ada: Reader) -> None:
    headers = {"Idempotency-Key": "k1"}
    first, again = (ada.post("/v1/jobs", json=ECHO, headers=headers) for _ in range(2))

    assert again.json == first.json
    assert again.headers["Location"] == first.headers["Location"]
    assert JobRow.select().count() == 1


def test_the_same_key_answers_the_same_when_the_job_is_over(ada: Reader) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = ada.post("/v1/jobs", json=ECHO, headers=headers)
    ada.post(f"{first.headers['Location']}/cancel")

    assert ada.post("/v1/jobs", json=ECHO, headers=headers).json == first.json


@pytest.mark.parametrize(
    "other", [{**ECHO, "priority": 3}, asked(), {"type": "system.echo", "input": {"text": "b"}}]
)
def test_the_same_key_with_another_job_is_a_conflict(ada: Reader, other: dict[str, Any]) -> None:
    headers = {"Idempotency-Key": "k1"}
    ada.post("/v1/jobs", json=ECHO, headers=headers)

    assert code(ada.post("/v1/jobs", json=other, headers=headers)) == (409, "CONFLICT")
    assert JobRow.select().count() == 1


def test_a_key_is_one_accounts_and_one_modes(ada: Reader, bob: Reader) -> None:
    headers = {"Idempotency-Key": "k1"}
    trial = Reader(ada.browser, ada.person, mode="test")

    ids = {r.post("/v1/jobs", json=ECHO, headers=headers).json["id"] for r in (ada, bob, trial)}

    assert len(ids) == 3


def test_many_at_once_with_one_key_are_one_job(ada: Reader) -> None:
    headers = {**ada.headers, "Idempotency-Key": "k1"}
    sent = [ada.browser.send("POST", "/v1/jobs", headers=headers, json=ECHO) for _ in range(8)]

    assert len({each.result(60).json["id"] for each in sent}) == 1
    assert JobRow.select().count() == 1


def test_a_key_for_a_book_does_not_serve_a_job(ada: Reader) -> None:
    ada.upload(headers={"Idempotency-Key": "k1"})

    answer = ada.post("/v1/jobs", json=ECHO, headers={"Idempotency-Key": "k1"})

    assert code(answer) == (409, "CONFLICT")


@pytest.mark.parametrize("permission", ["books:read", "jobs:read"])
def test_who_may_only_read_submits_and_cancels_nothing(ada: Reader, permission: str) -> None:
    reading = Reader(ada.browser, ada.person, scopes=[permission])
    job = ada.post("/v1/jobs", json=ECHO).headers["Location"]

    assert code(reading.post("/v1/jobs", json=ECHO)) == (403, "INSUFFICIENT_PERMISSIONS")
    assert code(reading.post(f"{job}/cancel")) == (403, "INSUFFICIENT_PERMISSIONS")
    assert JobRow.get().state == "queued"
