"""What a job and an answer ask of whoever wants them, by what they are about (A-23, L-03)."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from falcon.testing import Result

from api.resources.jobs import submissions
from jobs.limits.shared import PREFIX
from jobs.llms.complete import Complete
from models.chats import Chat
from models.jobs import JobRow
from models.kernel.ids import wire_id
from models.kernel.settings import Settings
from tests import factories
from tests.api.conftest import Open, code
from tests.api.reader import Reader
from tests.api.windows import counting_anew

AI = 60
ALL = 100
ECHO: dict[str, Any] = {"type": "system.echo", "input": {"text": "hello"}}
QUESTION = [{"role": "user", "content": "Why?"}]


def asked(**about: Any) -> dict[str, Any]:
    given = {"model": "ilm-extractive", "messages": QUESTION, **about}
    return {"type": "llm.completion", "input": given}


def drawn(book: str) -> dict[str, Any]:
    return {"type": "pages.generate", "input": {"book_id": book}}


WANTING = {
    "asking without ai:use": (set(), lambda _: asked(), "ai:use"),
    "asking about a book without ai:use": ({"books:read"}, lambda b: asked(book_id=b), "ai:use"),
    "asking about an unreadable book": ({"ai:use"}, lambda b: asked(book_id=b), "books:read"),
    "drawing without books:write": ({"ai:use", "books:read"}, drawn, "books:write"),
}  # fmt: skip


@pytest.mark.parametrize("name", WANTING)
def test_a_job_wants_what_its_type_does(ada: Reader, name: str) -> None:
    scopes, job_about, wanted = WANTING[name]
    job = job_about(ada.book().rpartition("/")[2])
    wanting = Reader(ada.browser, ada.person, scopes=["jobs:write", *scopes])
    able = Reader(ada.browser, ada.person, scopes=["jobs:write", *scopes, wanted])

    refused = wanting.post("/v1/jobs", json=job)

    assert code(refused) == (403, "INSUFFICIENT_PERMISSIONS")
    assert wanted in refused.json["error"]["message"]
    assert JobRow.select().count() == 0
    assert able.post("/v1/jobs", json=job).status_code == 202


def test_a_question_about_no_book_wants_to_read_none(ada: Reader) -> None:
    asking = Reader(ada.browser, ada.person, scopes=["jobs:write", "ai:use"])

    assert asking.post("/v1/jobs", json=asked()).status_code == 202
    assert asking.post("/v1/jobs", json=ECHO).status_code == 202


@pytest.mark.parametrize("path", ["/v1/chats", "/v1/ai/sessions"])
def test_who_may_read_no_books_begins_no_chat_about_one(ada: Reader, path: str) -> None:
    book = ada.book().rpartition("/")[2]
    talking = Reader(ada.browser, ada.person, scopes=["chats:write", "ai:use"])
    reading = Reader(ada.browser, ada.person, scopes=["chats:write", "books:read"])

    refused = talking.post(path, json={"bookId": book})

    assert code(refused) == (403, "INSUFFICIENT_PERMISSIONS")
    assert "books:read" in refused.json["error"]["message"]
    assert Chat.select().count() == 0
    assert talking.post(path, json={}).status_code == 201
    assert reading.post(path, json={"bookId": book}).status_code == 201


SAID = {"content": "Why?", "model": "gpt-0"}
ANSWERS = {
    "say": ("POST", "/v1/chats/{chat}/messages", SAID),
    "stream": ("POST", "/v1/chats/{chat}/stream", SAID),
    "session": ("POST", "/v1/ai/sessions/{chat}/messages", SAID),
    "edit": ("PATCH", "/v1/chats/{chat}/messages/{question}", SAID),
    "again": ("POST", "/v1/chats/{chat}/messages/{answer}/regenerate", {"model": "gpt-0"}),
}
"""The ways to be answered, by an LLM there is not."""


@pytest.mark.parametrize("way", ANSWERS)
def test_who_may_read_no_books_is_answered_in_no_chat_about_one(ada: Reader, way: str) -> None:
    talking = Reader(ada.browser, ada.person, scopes=["chats:write", "ai:use"])
    about = factories.chat(ada.person, book_id=factories.book(ada.person).id)
    unknown, refused = (400, "VALIDATION_ERROR"), (403, "INSUFFICIENT_PERMISSIONS")

    for chat, reader, told in (
        (about, ada, unknown),
        (about, talking, refused),
        (factories.chat(ada.person), talking, unknown),
    ):
        assert code(answered(reader, way, chat)) == told


def answered(reader: Reader, way: str, chat: Chat) -> Result:
    verb, path, body = ANSWERS[way]
    question = factories.message(chat)
    answer = factories.message(chat, role="assistant", parent_id=question.id)
    ids = {"chat": wire_id("chat", chat.id), "question": wire_id("msg", question.id)}
    return reader.send(verb, path.format(**ids, answer=wire_id("msg", answer.id)), json=body)


def test_every_type_that_is_admitted_as_a_question_counts_as_one_and_wants_ai_use() -> None:
    questions = {name for name, each in submissions().items() if each.asks_llm}

    assert questions == {Complete.name}
    assert {submissions()[name].permission for name in questions} == {"ai:use"}


@pytest.fixture
def cache(settings: Settings) -> Iterator[redis.Redis]:
    """Redis, which has counted nobody and for long enough."""
    with counting_anew(settings) as made:
        yield made


@pytest.fixture
def limited(open_browser: Open, settings: Settings, ada: Reader) -> Reader:
    """Ada, where requests are limited."""
    browser = open_browser(rate_limits="on", redis_url=settings.redis_url)
    return Reader(browser, ada.person)


def window_of(reader: Reader, kind: str = "user-ai") -> str:
    return f"{PREFIX}{kind}:{reader.person.id.hex}"


def used(cache: redis.Redis, window: str, count: int, *, seconds_ago: float = 0.0) -> int:
    """Let a window have counted so many requests a moment ago; return when that was."""
    seconds, micro = cache.time()
    moment = seconds * 1_000_000 + micro - int(seconds_ago * 1_000_000)
    cache.lpush(window, *[moment] * count)
    return int(moment)


def test_a_question_submitted_as_a_job_is_an_ai_request(
    limited: Reader, cache: redis.Redis
) -> None:
    used(cache, window_of(limited), AI - 2, seconds_ago=20)

    limited.post("/v1/jobs", json=ECHO)
    last = [limited.post("/v1/jobs", json=asked()) for _ in range(2)]
    refused = limited.post("/v1/jobs", json=asked())

    assert [each.status_code for each in last] == [202, 202]
    assert last[1].headers["X-RateLimit-Limit"] == str(AI)
    assert last[1].headers["X-RateLimit-Remaining"] == "0"
    assert last[1].headers["X-RateLimit-Warning"] == "soft-limit"
    assert code(refused) == (429, "RATE_LIMIT_EXCEEDED")
    assert refused.headers["Retry-After"] == refused.headers["X-RateLimit-RetryAfter"]
    assert "60 AI requests a minute" in refused.json["error"]["message"]
    assert JobRow.select().where(JobRow.type == Complete.name).count() == 2
    assert limited.post("/v1/jobs", json=ECHO).status_code == 202


def test_a_question_counts_with_those_of_the_ai_routes(limited: Reader, cache: redis.Redis) -> None:
    limited.post("/v1/jobs", json=asked())
    limited.post("/v1/embeddings", json={})

    assert cache.llen(window_of(limited)) == 2


def test_a_question_that_may_pass_within_a_second_waits_and_counts_once(
    limited: Reader, cache: redis.Redis
) -> None:
    used(cache, window_of(limited), 1, seconds_ago=59.3)
    moment = used(cache, window_of(limited), AI - 1)

    assert limited.post("/v1/jobs", json=asked()).status_code == 202
    newest, before = cache.lrange(window_of(limited), 0, 1)
    assert int(newest) > int(before) == moment
    assert JobRow.select().count() == 1


def test_a_question_may_have_to_wait_for_both_of_its_windows(
    limited: Reader, cache: redis.Redis
) -> None:
    for window, limit, age in (("user", ALL, 59.3), ("user-ai", AI, 58.9)):
        used(cache, window_of(limited, window), 1, seconds_ago=age)
        used(cache, window_of(limited, window), limit - 1)

    assert limited.post("/v1/jobs", json=asked()).status_code == 202


def test_limits_that_are_off_count_no_question(
    ada: Reader, open_browser: Open, settings: Settings, cache: redis.Redis
) -> None:
    free = Reader(open_browser(rate_limits="off", redis_url=settings.redis_url), ada.person)
    used(cache, window_of(free), AI)

    assert free.post("/v1/jobs", json=asked()).status_code == 202
