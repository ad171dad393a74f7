"""Own keys at the wires: their vendor and nobody else, no credits, no second try (Y-04)."""

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
import requests

from jobs import queues
from models.kernel.cache import open_cache
from models.kernel.database import Pool, database
from models.kernel.settings import Settings
from tests.conftest import emptied
from tests.fakes.vendor.scripts import Fault, Script
from tests.fakes.vendor.vendor import FakeVendor
from tests.gateway import Gateway, gateway
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
def running(
    settings: Settings, pools: tuple[Pool, Pool], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """One gateway whose house has no key for Gemini, though its address is known."""
    emptied(pools)
    home = tmp_path_factory.mktemp("gateway")
    with FakeVendor() as google:
        told = {"GEMINI_BASE_URL": google.openai_address, "ILM_RECONCILE_SECONDS": "1"}
        with gateway(settings, home, **told) as ilm:
            ilm.processes.scheduler()
            yield ilm


@pytest.fixture
def ilm(running: Gateway) -> Gateway:
    """The gateway, calm, and somebody new without a cent."""
    running.calm()
    running.newcomer(f"owner{next(_numbers)}@example.org", nano=0)
    return running


def ask(ilm: Gateway, path: str = CHAT, headers: Any = OWN, **body: Any) -> requests.Response:
    return ilm.post(path, {**WIRES[path], **body}, headers=headers)


def error_of(answer: requests.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


def jobs_kept() -> int:
    ((jobs,),) = database.rows("select count(*) from job")
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
