"""What an answer tells of the means it has used, and what is said when they end (B-14, L-06)."""

from datetime import datetime
from typing import Any

import pytest
import requests

from models.kernel.clock import SystemClock
from models.kernel.database import database
from tests.api.conftest import address
from tests.gateway import Gateway

LLM = "gpt-4o-mini"
SAID = "Ships sail."
CALL = {"model": LLM, "messages": [{"role": "user", "content": "What sails?"}]}
SPENT = """
update account set spent_nano = spent_nano + %(nano)s, balance_nano = balance_nano - %(nano)s
where id = (select account_id from person where email = %(email)s)
"""


@pytest.fixture
def email(ilm: Gateway) -> str:
    """Somebody of the free tier, its limits and credits included."""
    new = address()
    ilm.newcomer(new, nano=0, is_limited=True)
    ilm.vendor.script(LLM, text=SAID)
    return new


def ask(ilm: Gateway, path: str, **more: Any) -> requests.Response:
    bodies = {
        "/v1/chat/completions": {**CALL, "max_tokens": 50},
        "/v1/messages": {**CALL, "max_tokens": 50},
        "/v1/responses": {"model": LLM, "input": "What sails?", "max_output_tokens": 50},
        "/v1/jobs": {
            "type": "llm.completion",
            "input": {"model": LLM, "messages": CALL["messages"], "max_tokens": 50},
        },
    }
    return ilm.post(path, {**bodies[path], **more})


def spend(email: str, percent: float) -> None:
    """Have so much of somebody's dollar of this month spent already."""
    database.rows(SPENT, {"email": email, "nano": round(percent * 10_000_000)})


@pytest.mark.parametrize(
    "path", ["/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/jobs"]
)
def test_every_way_to_ask_tells_what_is_used_and_warns_from_four_fifths_on(
    ilm: Gateway, email: str, path: str
) -> None:
    first = ask(ilm, path)
    assert first.ok, first.text
    assert first.headers["X-Credits-Used-Percent"] == "0"
    assert "X-Credits-Warning" not in first.headers
    spend(email, 85)

    warned = ask(ilm, path)

    assert warned.ok, warned.text
    assert warned.headers["X-Credits-Used-Percent"] == "85"
    assert warned.headers["X-Credits-Warning"] == "soft-limit"


def test_a_stream_warns_before_it_begins(ilm: Gateway, email: str) -> None:
    ask(ilm, "/v1/chat/completions")
    spend(email, 90)

    streamed = ask(ilm, "/v1/chat/completions", stream=True)

    assert streamed.headers["X-Credits-Warning"] == "soft-limit"
    assert "data: [DONE]" in streamed.text


def test_at_the_end_of_the_means_it_says_so_and_from_when_they_are_there_again(
    ilm: Gateway, email: str
) -> None:
    ilm.get("/v1/billing/balance")
    spend(email, 100)

    errors = [ask(ilm, "/v1/jobs").json()["error"] for _ in range(2)]
    error = errors[-1]

    assert database.rows("select count(*) from event where type = 'credits.exhausted'") == [(1,)]
    assert error["code"] == "PAYMENT_REQUIRED"
    assert "choose a higher tier" in error["message"]
    moment = datetime.fromisoformat(error["retryAt"])
    assert (error["resetAt"], moment.day) == (error["retryAt"], 1)
    assert moment > SystemClock().now()
    assert requests.get(error["upgradeUrl"], timeout=60).ok


def test_more_tokens_than_a_day_holds_are_refused_until_midnight(ilm: Gateway, email: str) -> None:
    refused = ask(ilm, "/v1/chat/completions", max_tokens=10_001)

    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (402, "insufficient_quota")
    assert "tokens a day of the free tier" in error["message"]
    assert refused.headers["x-should-retry"] == "false"


def test_what_costs_nothing_uses_nothing_up(ilm: Gateway, email: str) -> None:
    ilm.get("/v1/billing/balance")
    spend(email, 100)

    free = ask(ilm, "/v1/chat/completions", model="ilm-extractive", max_tokens=20_000)

    assert free.ok, free.text
    assert "X-Credits-Used-Percent" not in free.headers
