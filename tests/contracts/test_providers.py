"""What every provider promises, against a vendor that can be told what to do."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest

from jobs.llms.provider import Delta, Limits, Piece, Provider, Tokens
from models.kernel.errors import UpstreamError, UpstreamTimeout
from tests.fakes.vendor.scripts import Fault, Script, Strike, Tool, Usage
from tests.fakes.vendor.vendor import FakeVendor
from tests.providers import KEY, WIRES, Read, Stopper, never, provider, read, request, until
from workers.adapters.llms import calls
from workers.adapters.llms.sockets import Exchange

SAID = "The walrus — 書物, naïve 🦭 — lives in the cold sea."
PATIENT = Limits(connect=60.0, first=60.0, idle=60.0, whole=600.0)
"""Limits that no machine which stands still for a while comes near to."""


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


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
def test_an_answer_is_the_text_the_vendor_sent_however_it_was_cut(
    llm: Provider, vendor: FakeVendor, seed: int | None
) -> None:
    vendor.script("m", text=SAID, seed=seed, cached=3)

    answer = read(llm.stream(request(), never))

    bill = vendor.meter("m").calls[0]
    assert answer.text == SAID
    assert answer.finish is not None
    assert answer.finish.reason == "stop"
    assert answer.tokens == Tokens(input=bill.input, output=bill.output, cached=3)


@pytest.mark.parametrize(("wire", "named"), [("anthropic", "END"), ("openai", None)])
def test_the_stop_sequence_is_named_where_the_vendor_does(
    vendor: FakeVendor, exchange: Exchange, wire: str, named: str | None
) -> None:
    vendor.script("m", text=SAID, stopped_by="END")

    answer = read(provider(wire, vendor, exchange).stream(request(), never))

    assert answer.finish is not None
    assert (answer.finish.reason, answer.finish.stop_sequence) == ("stop", named)


def test_thinking_is_told_apart_from_the_answer(llm: Provider, vendor: FakeVendor) -> None:
    vendor.script("m", text=SAID, reasoning="Walruses like the cold, so")

    answer = read(llm.stream(request(), never))

    assert (answer.reasoning, answer.text) == ("Walruses like the cold, so", SAID)


@pytest.mark.parametrize("seed", [None, 4])
def test_tool_calls_come_in_order_with_their_arguments_whole(
    llm: Provider, vendor: FakeVendor, seed: int | None
) -> None:
    tools = (
        Tool(name="find", arguments='{"what": "walrus — 書物"}', id="call_1"),
        Tool(name="read", arguments='{"page": 3}', id="call_2"),
    )
    vendor.script("m", tools=tools, seed=seed)

    answer = read(llm.stream(request(), never))

    assert answer.tools == {i: [tool.name, tool.arguments] for i, tool in enumerate(tools)}
    assert answer.finish is not None
    assert answer.finish.reason == "tool_calls"


def test_an_answer_that_reaches_its_limit_says_so(llm: Provider, vendor: FakeVendor) -> None:
    vendor.script("m", text="one two three four five six")

    answer = read(llm.stream(request(max_tokens=3), never))

    assert answer.finish is not None
    assert (answer.text, answer.finish.reason) == ("one two three ", "length")


def test_an_empty_answer_is_an_end_without_content(llm: Provider, vendor: FakeVendor) -> None:
    vendor.script("m", Script().with_fault(Fault.EMPTY))

    answer = read(llm.stream(request(), never))

    assert (answer.text, answer.tools) == ("", {})
    assert answer.finish is not None


def test_options_nobody_here_knows_reach_the_vendor(llm: Provider, vendor: FakeVendor) -> None:
    options = {"temperature": 0.5, "top_k": 7, "x_brand_new": {"deep": [1, 2]}}

    read(llm.stream(request(options=options), never))

    sent = vendor.meter("m").calls[0].body
    assert {name: sent[name] for name in options} == options


@pytest.mark.parametrize(
    ("own", "sent"), [(None, KEY), ("sk-own-canary-9876543210", "sk-own-canary-9876543210")]
)
def test_a_caller_s_own_key_goes_in_the_place_of_the_house_s(
    llm: Provider, vendor: FakeVendor, own: str | None, sent: str
) -> None:
    read(llm.stream(request(key=own), never))

    headers = vendor.meter("m").calls[0].headers
    assert headers["authorization"] == f"Bearer {sent}"
    assert [value for value in headers.values() if "canary" in value] == [f"Bearer {sent}"]


@pytest.mark.parametrize("usage", [Usage.NONE, Usage.WRONG])
def test_usage_that_is_missing_or_makes_no_sense_is_unknown(
    llm: Provider, vendor: FakeVendor, usage: Usage
) -> None:
    vendor.script("m", text=SAID, usage=usage)

    answer = read(llm.stream(request(), never))

    assert (answer.text, answer.tokens, answer.counted) == (SAID, None, [])


@pytest.mark.parametrize("usage", [Usage.FINAL, Usage.CUMULATIVE, Usage.WITH_CHOICES])
def test_usage_is_the_vendor_s_bill_wherever_it_is_told(
    llm: Provider, vendor: FakeVendor, usage: Usage
) -> None:
    vendor.script("m", text=SAID, usage=usage)

    answer = read(llm.stream(request(), never))

    bill = vendor.meter("m").calls[0]
    assert answer.tokens == Tokens(input=bill.input, output=bill.output)
    assert answer.counted[-1] == answer.tokens


@pytest.mark.parametrize("goes_on", [True, False], ids=["speaks", "is silent"])
def test_a_call_stopped_in_the_middle_is_closed_at_the_vendor_at_once(
    llm: Provider, vendor: FakeVendor, goes_on: bool
) -> None:
    """At once: before the vendor has said all it would, or when it never will."""
    script = Script(deltas=1_000, pace=0.05)
    vendor.script("m", script if goes_on else script.with_fault(Fault.HANG_MIDWAY))
    stopper, came = Stopper(), Read()
    pieces = llm.stream(request(limits=PATIENT), stopper)

    while not came.text:
        piece = next(pieces)
        came.text += piece.text if isinstance(piece, Delta) else ""
    threading.Timer(0.1, stopper.stop).start()
    with pytest.raises(UpstreamError, match="stopped"):
        read(pieces, came)

    until(lambda: vendor.meter("m").closed)
    assert vendor.meter("m").output < 1_000


def test_a_call_stopped_before_the_vendor_says_anything_is_closed_too(
    llm: Provider, vendor: FakeVendor
) -> None:
    vendor.script("m", Script().with_fault(Fault.HANG))
    stopper = Stopper()
    with ThreadPoolExecutor(1) as other:
        reading = other.submit(lambda: read(llm.stream(request(), stopper)))
        until(lambda: vendor.meter("m").calls)

        stopper.stop()

        with pytest.raises(UpstreamError, match="stopped"):
            reading.result(timeout=60)
    until(lambda: vendor.meter("m").closed)


def test_a_call_stopped_before_it_began_reaches_nobody(llm: Provider, vendor: FakeVendor) -> None:
    pieces = llm.stream(request(), lambda stop: stop())

    with pytest.raises(UpstreamError, match="stopped"):
        read(pieces)

    assert vendor.meter("m").calls == []


def test_a_reader_who_turns_away_closes_the_call(llm: Provider, vendor: FakeVendor) -> None:
    vendor.script("m", deltas=1_000, pace=0.02)
    pieces = llm.stream(request(), never)
    next(pieces)

    pieces.close()  # type: ignore[attr-defined]

    until(lambda: vendor.meter("m").closed)


def test_stopping_a_call_that_is_over_leaves_the_next_one_alone(
    llm: Provider, vendor: FakeVendor
) -> None:
    stopper = Stopper()
    read(llm.stream(request(), stopper))
    vendor.script("m", deltas=20, pace=0.01)
    pieces = llm.stream(request(limits=PATIENT), never)
    next(pieces)

    stopper.stop()

    assert read(pieces).finish is not None


def test_connections_serve_one_call_after_the_other(
    llm: Provider, vendor: FakeVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "TAIL_SECONDS", 60.0)
    opened = {read(llm.stream(request(), never)).text for _ in range(5)}

    assert len(opened) == 1
    assert len({call.peer for call in vendor.meter("m").calls}) == 1


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.KEEP_ALIVES, Fault.SLOW_BYTES])
def test_what_is_no_content_does_not_count_as_an_answer(
    llm: Provider, vendor: FakeVendor, fault: Fault
) -> None:
    vendor.script("m", strikes=(Strike(fault=fault, seconds=0.05),))

    with pytest.raises(UpstreamTimeout, match="begin to answer"):
        read(llm.stream(request(limits=replace(PATIENT, first=0.4)), never))

    until(lambda: vendor.meter("m").closed)


def test_silence_in_the_middle_is_limited_too(llm: Provider, vendor: FakeVendor) -> None:
    vendor.script("m", Script(text=SAID).with_fault(Fault.HANG_MIDWAY))
    came = Read()

    with pytest.raises(UpstreamTimeout, match="go on"):
        read(llm.stream(request(limits=replace(PATIENT, idle=0.4)), never), came)

    assert SAID.startswith(came.text)
    assert came.text
    until(lambda: vendor.meter("m").closed)


def test_an_answer_may_not_take_for_ever_however_steadily_it_comes(
    llm: Provider, vendor: FakeVendor
) -> None:
    vendor.script("m", deltas=1_000, pace=0.05)

    with pytest.raises(UpstreamTimeout, match="altogether"):
        read(llm.stream(request(limits=replace(PATIENT, whole=0.5)), never))


def test_a_hundred_and_twenty_eight_calls_run_at_once(llm: Provider, vendor: FakeVendor) -> None:
    vendor.script("m", deltas=8, pace=0.01)
    together = threading.Barrier(128)

    def one(_: int) -> Read:
        return read(all_begun(llm.stream(request(limits=PATIENT), never)))

    def all_begun(pieces: Iterator[Piece]) -> Iterator[Piece]:
        first = next(pieces)
        together.wait(60)
        yield first
        yield from pieces

    with ThreadPoolExecutor(128) as many:
        answers = list(many.map(one, range(128)))

    assert len({answer.text for answer in answers}) == 1
    assert len({answer.tokens for answer in answers}) == 1
    assert len({call.peer for call in vendor.meter("m").calls}) == 128
