"""Own keys at the wires: their vendor and nobody else, no credits, no second try (Y-04)."""

import json
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any
from uuid import UUID

import pytest
import requests

from jobs import queues
from models.accounts import Person
from models.kernel.cache import open_cache
from models.kernel.database import database
from models.kernel.ids import wire_id
from models.kernel.settings import Settings
from tests import factories
from tests.fakes.vendor.scripts import Fault, Script
from tests.fakes.vendor.vendor import FakeVendor
from tests.gateway import Gateway
from tests.processes import until

MINE = "sk-mine-and-nobody-elses"
OWN = {"X-Ilm-Provider-Key": MINE}
SAID: Any = [{"role": "user", "content": "Where does the walrus live?"}]
CHAT = "/v1/chat/completions"
ASKED = {"model": "gpt-4o-mini", "messages": SAID}
WIRES = {
    CHAT: ASKED,
    "/v1/messages": {**ASKED, "max_tokens": 100},
    "/v1/responses": {"model": "gpt-4o-mini", "input": "Where does the walrus live?"},
}

_numbers = count()


@pytest.fixture(scope="module")
def variables() -> Iterator[Mapping[str, str]]:
    """The house has no key for Gemini, though its address is known."""
    with FakeVendor() as google:
        yield {"GEMINI_BASE_URL": google.openai_address}


@pytest.fixture(scope="module", autouse=True)
def _scheduler(running: Gateway) -> None:
    running.processes.scheduler()


@pytest.fixture
def ilm(running: Gateway) -> Gateway:
    """The gateway, calm, and somebody new without a cent."""
    running.calm()
    running.newcomer(f"owner{next(_numbers)}@example.org", nano=0)
    return running


@pytest.fixture
def about_a_book(ilm: Gateway) -> str:
    """The messages of a chat that names no LLM, about a book of the newcomer's."""
    me = ilm.get("/v1/users/me", headers={"Authorization": f"Bearer {ilm.token}"}).json()
    book = factories.book(Person.by_email(me["email"]), text_status="completed")
    chat = ilm.post("/v1/chats", {"bookId": wire_id("book", book.id)})
    return f"{chat.headers['Location']}/messages"


def ask(ilm: Gateway, path: str = CHAT, headers: Any = OWN, **body: Any) -> requests.Response:
    return ilm.post(path, {**WIRES[path], **body}, headers=headers)


def error_of(answer: requests.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


def jobs_kept() -> int:
    """Return how many jobs there are but letters, which a scheduler may send at any time."""
    ((jobs,),) = database.rows("select count(*) from job where type <> 'mail.send'")
    return int(jobs)


@pytest.mark.parametrize("path", WIRES)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_call_with_an_own_key_is_made_with_that_key_and_charged_to_nobody(
    ilm: Gateway, path: str, streamed: bool
) -> None:
    answer = ask(ilm, path, stream=streamed)

    assert answer.status_code == 200, answer.text
    assert '"cost_nano_usd":"0"' in answer.text.replace(" ", "")
    (call,) = ilm.vendor.meter("gpt-4o-mini").calls
    assert call.headers["authorization"] == f"Bearer {MINE}"
    lines = database.rows(
        "select cost_nano, vendor_nano, is_own_key, tokens_out > 0 from usage_line"
        " order by created_at desc limit 1"
    )
    assert lines == [(0, 0, True, True)]


def test_without_an_own_key_who_has_no_money_is_refused(ilm: Gateway) -> None:
    assert ask(ilm, headers={}).status_code == 402


def test_an_own_key_opens_premium_llms_and_vendors_the_house_has_no_key_for(ilm: Gateway) -> None:
    premium = ask(ilm, model="gpt-4o")
    absent = ask(ilm, model="gemini-2.0-flash", headers={**OWN, "X-Ilm-Provider": "Google"})

    assert premium.json()["x_ilm"]["served_by"] == {"vendor": "openai", "model": "gpt-4o"}
    assert absent.json()["x_ilm"]["served_by"]["vendor"] == "google"
    assert len(ilm.vendor.meter("gpt-4o").calls) == 1


@pytest.mark.parametrize(
    ("fault", "status", "code", "advice"),
    [
        (Fault.BAD_KEY, 502, "upstream_key_refused", "check that it is right"),
        (Fault.NO_QUOTA, 503, "upstream_quota_exceeded", "top it up there"),
        (Fault.RATE_SECONDS, 503, "upstream_rate_limited", "try again later"),
        (Fault.BROKEN, 502, "upstream_error", "try again"),
    ],
    ids=str,
)
def test_what_the_vendor_says_of_an_own_key_comes_back_with_advice_and_nobody_stands_in(
    ilm: Gateway, fault: Fault, status: int, code: str, advice: str
) -> None:
    ilm.vendor.script("gpt-4o-mini", Script().with_fault(fault))

    answer = ask(ilm)

    told = error_of(answer)
    assert told[:2] == (status, code)
    assert advice in told[2]
    assert len(ilm.vendor.meter("gpt-4o-mini").calls) == 1
    assert ilm.vendor.meter("claude-3-haiku-20240307").calls == []
    ilm.calm()
    ilm.newcomer(f"next{next(_numbers)}@example.org")
    assert ask(ilm, headers={}).json()["x_ilm"]["served_by"]["model"] == "gpt-4o-mini"


@pytest.mark.parametrize(
    ("headers", "model", "words"),
    [
        ({"X-Ilm-Provider-Key": "Bearer sk-abcdefgh"}, "gpt-4o-mini", "without a space"),
        ({"X-Ilm-Provider-Key": ""}, "gpt-4o-mini", "characters"),
        ({**OWN, "X-Ilm-Provider": "anthropic"}, "gpt-4o-mini", "run by openai"),
        ({**OWN, "X-Ilm-Provider": "nobody"}, "gpt-4o-mini", "no vendor"),
        (OWN, "auto", "must be named"),
        (OWN, "ilm-extractive", "takes no key"),
    ],
    ids=["scheme", "empty", "another vendor", "no vendor", "auto", "sandbox"],
)
def test_an_odd_key_is_refused_before_anything_is_accepted(
    ilm: Gateway, headers: dict[str, str], model: str, words: str
) -> None:
    before = jobs_kept()

    answer = ask(ilm, headers=headers, model=model)

    assert answer.status_code == 400
    assert words in answer.text
    assert MINE not in answer.text
    assert jobs_kept() == before


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/embeddings", {"model": "text-embedding-3-small", "input": "a walrus"}),
        ("/v1/jobs", {"type": "llm.completion", "input": ASKED}),
        (
            "/v1/batches",
            {
                "input_file_id": wire_id("file", UUID(int=1)),
                "endpoint": CHAT,
                "completion_window": "24h",
            },
        ),
        (
            "/v1/messages/batches",
            {"requests": [{"custom_id": "a", "params": WIRES["/v1/messages"]}]},
        ),
    ],
    ids=["embeddings", "job", "batch", "batch of messages"],
)
def test_a_key_is_refused_where_the_house_would_answer_with_its_own(
    ilm: Gateway, path: str, body: dict[str, Any]
) -> None:
    before = jobs_kept()

    answer = ilm.post(path, body, headers=OWN)

    assert answer.status_code == 400
    assert "X-Ilm-Provider-Key" in answer.text
    assert "not taken here" in answer.text
    assert MINE not in answer.text
    assert jobs_kept() == before


def test_in_a_chat_about_a_book_a_key_goes_to_no_vendor_that_nobody_named(
    ilm: Gateway, about_a_book: str
) -> None:
    before = jobs_kept()

    answer = ilm.post(about_a_book, {"content": "Where does the walrus live?"}, headers=OWN)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert "must be named" in answer.text
    assert jobs_kept() == before
    assert ilm.vendor.meter("qwen-turbo").calls == []


def test_in_a_chat_about_a_book_a_key_is_used_where_its_llm_is_named(
    ilm: Gateway, about_a_book: str
) -> None:
    named = {"content": "Where does the walrus live?", "model": "gpt-4o-mini"}

    answer = ilm.post(about_a_book, named, headers=OWN)

    assert answer.status_code == 200, answer.text
    (call,) = ilm.vendor.meter("gpt-4o-mini").calls
    assert call.headers["authorization"] == f"Bearer {MINE}"


def test_who_asks_again_with_an_idempotency_key_need_not_send_the_own_key(ilm: Gateway) -> None:
    """Not even where the house could not answer."""
    named = {"Idempotency-Key": f"walrus-{next(_numbers)}"}
    before = jobs_kept()

    first = ask(ilm, headers={**OWN, **named}, model="gemini-2.0-flash")
    again = ask(ilm, headers=named, model="gemini-2.0-flash")

    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert first.status_code == 200
    assert jobs_kept() == before + 1


def test_a_key_that_waited_too_long_is_gone_and_the_call_has_to_be_sent_again(
    ilm: Gateway, settings: Settings
) -> None:
    """A minute in the queue, as the entry sees it: it has expired when the worker comes."""
    queues.pause("llm")
    answer = ask(ilm, "/v1/responses", background=True)
    cache = open_cache(settings)
    names = list(cache.scan_iter("entrusted:*"))
    cache.delete(*names)
    cache.close()
    queues.resume("llm")

    path = f"/v1/responses/{answer.json()['id']}"
    until(lambda: ilm.get(path).json()["status"] == "failed", "it does not fail")

    assert len(names) == 1
    assert "send the call again" in ilm.get(path).json()["error"]["message"]
    assert ilm.vendor.meter("gpt-4o-mini").calls == []


def test_without_redis_the_key_is_handed_to_nobody_and_nothing_is_accepted(ilm: Gateway) -> None:
    before = jobs_kept()
    web = ilm.processes.web(REDIS_URL="redis://127.0.0.1:1")

    answer = web.call("POST", CHAT, ilm.key, json=ASKED, headers=OWN)

    assert answer.status_code == 503
    assert "nothing was done" in error_of(answer)[2]
    assert MINE not in answer.text
    assert int(answer.headers["Retry-After"]) > 0
    assert jobs_kept() == before


def test_with_a_test_key_the_sandbox_answers_and_the_own_key_goes_nowhere(ilm: Gateway) -> None:
    made = ilm.web.call("POST", "/v1/api-keys", ilm.token, json={"name": "test", "mode": "test"})

    answer = ilm.web.call("POST", CHAT, made.json()["key"], json=ASKED, headers=OWN)

    assert answer.json()["x_ilm"]["served_by"]["vendor"] == "ilm"
    assert ilm.vendor.meter("gpt-4o-mini").calls == []


def test_a_stream_that_breaks_with_an_own_key_ends_in_an_error_and_is_not_run_again(
    ilm: Gateway,
) -> None:
    ilm.vendor.script("gpt-4o-mini", Script().with_fault(Fault.RESET_MIDWAY))

    named = {"Idempotency-Key": f"walrus-{next(_numbers)}"}
    answer = ask(ilm, headers={**OWN, **named}, stream=True)
    last = json.loads(answer.text.strip().rpartition("data: ")[2])

    assert last["error"]["code"] == "upstream_error"
    assert len(ilm.vendor.meter("gpt-4o-mini").calls) == 1
