"""What vendors say when they do not answer, and what that is to us."""

from datetime import UTC, datetime
from typing import Any

import httpx2
import openai as openai_sdk
import pytest

from models.kernel.errors import (
    ContextTooLong,
    IlmError,
    ModelNotAvailable,
    UpstreamError,
    UpstreamKeyRefused,
    UpstreamQuotaExceeded,
    UpstreamRateLimited,
    UpstreamRefused,
    UpstreamTimeout,
)
from models.llms import vendors
from tests.fakes.clock import FakeClock
from workers.adapters.llms.asking import Teller
from workers.adapters.llms.faults import complaint_of, fault_of, wait_in
from workers.adapters.llms.scrubbing import LONGEST, Scrub

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
BLIND = Scrub("", ())


def openai(message: str = "", code: str | None = None, kind: str = "") -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def anthropic(kind: str, message: str = "") -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}}


TOLD: dict[str, tuple[int, Any, type[IlmError]]] = {
    "rate": (429, openai("slow down", "rate_limit_exceeded"), UpstreamRateLimited),
    "rate, in a stream": (0, anthropic("rate_limit_error"), UpstreamRateLimited),
    "quota in a 429": (429, openai("", "insufficient_quota"), UpstreamQuotaExceeded),
    "quota by words": (400, anthropic("x", "credit balance is too low"), UpstreamQuotaExceeded),
    "quota at DeepSeek": (402, openai("Insufficient Balance"), UpstreamQuotaExceeded),
    "quota at DashScope": (400, openai("Access denied", "Arrearage"), UpstreamQuotaExceeded),
    "key": (401, openai(""), UpstreamKeyRefused),
    "key without the right": (403, anthropic("permission_error"), UpstreamKeyRefused),
    "key at xAI": (400, openai("Incorrect API key provided"), UpstreamKeyRefused),
    "too long at OpenAI": (400, openai("", "context_length_exceeded"), ContextTooLong),
    "too long at Anthropic": (
        400, anthropic("invalid_request_error", "prompt is too long: 9 > 8"), ContextTooLong,
    ),
    "too long at Google": (
        400, [openai("The input token count (9) exceeds the maximum (8).")], ContextTooLong,
    ),
    "too long, in a stream": (0, openai("", "context_length_exceeded"), ContextTooLong),
    "refused": (422, {"detail": "no"}, UpstreamRefused),
    "no such LLM": (404, openai("no such model", "model_not_found"), ModelNotAvailable),
    "no such LLM at Anthropic": (404, anthropic("not_found_error"), ModelNotAvailable),
    "no such LLM, in a stream": (0, anthropic("not_found_error"), ModelNotAvailable),
    "retired at Groq": (400, openai("gone", "model_decommissioned"), ModelNotAvailable),
    "retired, says a proxy": (404, None, ModelNotAvailable),
    "refused, in a stream": (0, openai("no", None, "invalid_request_error"), UpstreamRefused),
    "its own nonsense": (400, openai("no", "tool_use_failed"), UpstreamError),
    "request timeout": (408, None, UpstreamTimeout),
    "gateway timeout": (504, None, UpstreamTimeout),
    "broken": (500, openai("oh"), UpstreamError),
    "HTML": (502, None, UpstreamError),
    "overloaded": (529, anthropic("overloaded_error"), UpstreamError),
    "overloaded, in a stream": (0, anthropic("overloaded_error"), UpstreamError),
    "a status in a stream": (0, {"error": {"code": 429, "message": "x"}}, UpstreamRateLimited),
    "a plain text": (0, {"error": "it broke"}, UpstreamError),
    "elsewhere": (302, None, UpstreamError),
}  # fmt: skip


@pytest.mark.parametrize("case", TOLD)
def test_a_complaint_is_the_error_it_amounts_to(case: str) -> None:
    status, body, error = TOLD[case]

    assert type(fault_of(complaint_of("Fake", status, body), BLIND)) is error


@pytest.mark.parametrize("case", TOLD)
def test_every_error_names_the_vendor(case: str) -> None:
    status, body, _ = TOLD[case]

    assert "Fake" in str(fault_of(complaint_of("Fake", status, body), BLIND))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "Fri, 20 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Fri, 20 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({}, None),
    ],
)
def test_a_wait_is_read_as_seconds(headers: dict[str, str], seconds: float | None) -> None:
    assert wait_in(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("the key sk-abcdefgh12345 is wrong", "the key *** is wrong"),
        ("Bearer abc.def is wrong", "*** is wrong"),
        ("the key house-key-7 is wrong", "the key *** is wrong"),
        ("bad input: tell me where the walrus lives, please", "bad input: ***, please"),
        ("bad input:\n\n tell me where\nthe walrus lives", "bad input: ***"),
        ("'messages' must hold a user", "'messages' must hold a user"),
    ],
)
def test_a_vendor_s_words_are_kept_without_keys_and_prompts(words: str, kept: str) -> None:
    scrub = Scrub("house-key-7", ("tell me where the walrus lives",))

    assert scrub(words) == kept


def test_a_vendor_s_words_are_kept_short() -> None:
    assert len(BLIND("word " * 1_000)) <= LONGEST + 1


def test_a_scrub_does_not_show_what_it_hides() -> None:
    assert "walrus" not in repr(Scrub("walrus-key", ("walrus",)))


def test_a_wait_told_as_a_date_counts_from_when_the_answer_came() -> None:
    clock = FakeClock(NOW)
    teller = Teller(vendor=vendors()["openai"], scrub=BLIND, clock=clock)
    response = httpx2.Response(
        429,
        headers={"Retry-After": "Fri, 20 Nov 2026 12:00:07 GMT"},
        request=httpx2.Request("POST", "https://vendor.example"),
    )

    clock.move(4.0)
    error = teller.fault_of(openai_sdk.RateLimitError("", response=response, body=None))

    assert error.retry_after == 3.0
