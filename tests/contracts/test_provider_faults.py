"""Every way in which vendors fail ends in the right error, in time, and never in half an answer."""

import gc
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from jobs.llms.provider import Limits, Provider
from models.kernel.errors import (
    ContextTooLong,
    IlmError,
    UpstreamError,
    UpstreamKeyRefused,
    UpstreamQuotaExceeded,
    UpstreamRateLimited,
    UpstreamRefused,
    UpstreamTimeout,
)
from models.llms import Vendor
from tests.fakes.vendor.scripts import Fault, Script, Strike
from tests.fakes.vendor.vendor import FakeVendor
from tests.providers import KEY, QUESTION, WIRES, Read, never, provider, read, request
from workers.adapters.llms.anthropic_messages import AnthropicMessages
from workers.adapters.llms.openai_shaped import OpenAIShaped
from workers.adapters.llms.sockets import Exchange

SAID = "The walrus — 書物, naïve 🦭 — lives in the cold sea."

BEFORE: dict[Fault, type[IlmError]] = {
    Fault.HANG: UpstreamTimeout,
    Fault.RESET: UpstreamError,
    Fault.GARBAGE: UpstreamError,
    Fault.RATE: UpstreamRateLimited,
    Fault.RATE_SECONDS: UpstreamRateLimited,
    Fault.RATE_DATE: UpstreamRateLimited,
    Fault.RATE_MS: UpstreamRateLimited,
    Fault.BROKEN: UpstreamError,
    Fault.BAD_GATEWAY: UpstreamError,
    Fault.OVERLOADED: UpstreamError,
    Fault.BAD_KEY: UpstreamKeyRefused,
    Fault.UNPAID: UpstreamQuotaExceeded,
    Fault.NO_QUOTA: UpstreamQuotaExceeded,
    Fault.TOO_LONG: ContextTooLong,
    Fault.REFUSED: UpstreamRefused,
    Fault.ERROR_BODY: UpstreamError,
    Fault.ERROR_FIRST: UpstreamError,
    Fault.KEEP_ALIVES: UpstreamTimeout,
    Fault.SLOW_BYTES: UpstreamTimeout,
}
"""Faults that leave nothing of the answer."""

MIDWAY: dict[Fault, type[IlmError]] = {
    Fault.HANG_MIDWAY: UpstreamTimeout,
    Fault.RESET_MIDWAY: UpstreamError,
    Fault.HALF_LINE: UpstreamError,
    Fault.BAD_JSON: UpstreamError,
    Fault.NO_END: UpstreamError,
    Fault.ERROR_MIDWAY: UpstreamError,
    Fault.SHORT_LENGTH: UpstreamError,
}
"""Faults that cut the answer short."""

PATIENT = Limits(connect=60.0, first=60.0, idle=60.0, whole=600.0)
HASTY: dict[Fault, Limits] = {
    **dict.fromkeys((Fault.HANG, Fault.KEEP_ALIVES, Fault.SLOW_BYTES), replace(PATIENT, first=0.4)),
    Fault.HANG_MIDWAY: replace(PATIENT, idle=0.4),
}
"""Limits of calls that time has to end; what ends another is not how long this machine takes."""


@pytest.fixture(scope="module")
def vendor() -> Iterator[FakeVendor]:
    with FakeVendor() as running:
        yield running


@pytest.fixture(autouse=True)
def _fresh(vendor: FakeVendor) -> None:
    vendor.reset()


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    with closing(Exchange()) as exchange:
        yield exchange


@pytest.fixture(params=WIRES)
def llm(request: pytest.FixtureRequest, vendor: FakeVendor, exchange: Exchange) -> Provider:
    return provider(request.param, vendor, exchange)


def struck(llm: Provider, vendor: FakeVendor, fault: Fault, **how: float) -> tuple[IlmError, Read]:
    """Return the error of a call that meets a fault, and what came before it."""
    vendor.script("m", Script(text=SAID, strikes=(Strike(fault=fault, **how),)))
    came = Read()
    with pytest.raises(IlmError) as caught:
        read(llm.stream(request(limits=HASTY.get(fault, PATIENT)), never), came)
    return caught.value, came


def test_every_fault_has_its_place_here() -> None:
    whole = {Fault.EMPTY, Fault.LONG_LENGTH}

    assert set(Fault) == {*BEFORE, *MIDWAY, *whole}


@pytest.mark.parametrize("fault", BEFORE)
def test_a_fault_before_any_content_is_its_error_and_nothing_else(
    llm: Provider, vendor: FakeVendor, fault: Fault
) -> None:
    error, came = struck(llm, vendor, fault, seconds=0.05)

    assert type(error) is BEFORE[fault]
    assert came == Read()


@pytest.mark.parametrize("fault", MIDWAY)
def test_a_fault_in_the_middle_never_ends_in_a_finish(
    llm: Provider, vendor: FakeVendor, fault: Fault
) -> None:
    error, came = struck(llm, vendor, fault)

    assert type(error) is MIDWAY[fault]
    assert came.finish is None
    assert came.text
    assert SAID.startswith(came.text)


@pytest.mark.parametrize("fault", [*BEFORE, *MIDWAY])
def test_the_call_after_a_fault_is_none_the_worse_for_it(
    llm: Provider, vendor: FakeVendor, fault: Fault
) -> None:
    struck(llm, vendor, fault, times=1, seconds=0.05)

    assert read(llm.stream(request(limits=PATIENT), never)).text == SAID


def test_an_answer_that_is_whole_stays_so_when_the_length_was_wrong(
    llm: Provider, vendor: FakeVendor
) -> None:
    vendor.script("m", Script(text=SAID).with_fault(Fault.LONG_LENGTH))

    answer = read(llm.stream(request(limits=PATIENT), never))

    assert answer.text == SAID
    assert answer.finish is not None


@pytest.mark.parametrize(
    ("fault", "least", "most"),
    [
        (Fault.RATE_SECONDS, 60.0, 60.0),
        (Fault.RATE_MS, 60.0, 60.0),
        (Fault.RATE_DATE, 1.0, 60.0),
    ],
)
def test_a_vendor_s_wait_is_told_in_seconds_however_it_wrote_it(
    llm: Provider, vendor: FakeVendor, fault: Fault, least: float, most: float
) -> None:
    error, _ = struck(llm, vendor, fault, seconds=60.0)

    assert error.retry_after is not None
    assert least <= error.retry_after <= most


def test_without_a_wait_none_is_made_up(llm: Provider, vendor: FakeVendor) -> None:
    error, _ = struck(llm, vendor, Fault.RATE)

    assert error.retry_after is None


def test_a_refusal_is_told_in_the_vendor_s_own_words(llm: Provider, vendor: FakeVendor) -> None:
    error, _ = struck(llm, vendor, Fault.REFUSED)

    assert "'temperature' must be below 3" in str(error)


@pytest.mark.parametrize("own", [None, "own-canary-abcdefgh"])
@pytest.mark.parametrize("status", [400, 401, 403, 422, 429, 500])
def test_no_error_shows_a_key_or_a_prompt_whatever_the_vendor_echoes(
    llm: Provider,
    vendor: FakeVendor,
    own: str | None,
    status: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    key = own or KEY
    words = f"Wrong key {key} (Bearer {key}) for `{QUESTION}`"
    body = json.dumps({"error": {"message": words, "type": "invalid_request_error"}})
    vendor.script("m", body=body.encode(), status=status, content_type="application/json")
    caplog.set_level(logging.INFO)

    with pytest.raises(IlmError) as caught:
        read(llm.stream(request(key=own, limits=PATIENT), never))

    told = "".join(_chain(caught.value)) + caplog.text + repr(llm)
    assert "canary" not in told + repr(request(key=own))
    assert "walrus" not in told


def _chain(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield f"{error!s} {error!r}"
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("key", ["new\nline", "naïve", "two words"])
def test_what_no_header_can_carry_is_refused_as_a_key(
    llm: Provider, vendor: FakeVendor, key: str
) -> None:
    with pytest.raises(UpstreamKeyRefused) as caught:
        read(llm.stream(request(key=key), never))

    assert key not in str(caught.value)
    assert vendor.meter("m").calls == []


@pytest.mark.parametrize(
    "odd",
    [{"options": {"x": float("nan")}}, {"messages": ({"role": "user", "content": "\ud800"},)}],
)
def test_what_no_json_can_hold_is_the_request_s_fault(
    llm: Provider, vendor: FakeVendor, odd: dict[str, Any]
) -> None:
    with pytest.raises(UpstreamRefused, match="cannot be sent"):
        read(llm.stream(request(**odd), never))

    assert vendor.meter("m").calls == []


@pytest.mark.parametrize("wire", WIRES)
def test_without_any_key_nobody_is_called(
    wire: str, vendor: FakeVendor, exchange: Exchange
) -> None:
    fake = Vendor(name="fake", title="Fake", wire=wire, key="openai_api_key")
    made = AnthropicMessages if wire == "anthropic" else OpenAIShaped
    llm = made(fake, vendor.openai_address, "", exchange)

    with pytest.raises(UpstreamKeyRefused, match="no key"):
        read(llm.stream(request(), never))


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("place", ["https", "nowhere", "no host"])
def test_a_connection_that_cannot_be_made_is_the_vendor_s_fault(
    wire: str, place: str, vendor: FakeVendor, exchange: Exchange
) -> None:
    addresses = {
        "https": vendor.address.replace("http://", "https://"),
        "nowhere": "http://127.0.0.1:1",
        "no host": f"http://{'a' * 70}",
    }
    fake = Vendor(name="fake", title="Fake", wire=wire, key="openai_api_key")
    made = AnthropicMessages if wire == "anthropic" else OpenAIShaped

    with pytest.raises(UpstreamError) as caught:
        read(made(fake, addresses[place], KEY, exchange).stream(request(limits=PATIENT), never))

    assert type(caught.value) is UpstreamError


def test_no_connection_is_left_behind(vendor: FakeVendor) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()  # what others have left is not ours
    with closing(Exchange()) as exchange:
        llm = provider("openai", vendor, exchange)
        for fault in (Fault.RESET_MIDWAY, Fault.BAD_JSON, Fault.HALF_LINE):
            struck(llm, vendor, fault)

    gc.collect()  # an unclosed socket would warn here, and a warning fails the test
