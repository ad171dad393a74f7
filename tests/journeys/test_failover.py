"""Every fault a provider is known for: a whole answer, or a clean error; never a piece as whole.

With `continue` and `buffer` all of them end in a whole answer, streamed and not; with the default
`error` none ends in a wrong one (CONTRACT §5). The first vendor of the plan fails, once, in each of
these ways; the next one is well.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import openai
import pytest

from models.llms import llms
from tests.fakes.vendor.scripts import Fault, Script, Usage
from tests.gateway import IMPATIENT, LLMS, Gateway

FIRST, SECOND = LLMS["openai"], LLMS["anthropic"]
SERVED_AS = llms()[SECOND].served_as
ASKED: Any = [{"role": "user", "content": "Where does the walrus live?"}]
BEGUN = "The walrus lives in the cold sea near the pole and eats clams all day long."
REST = "This is how the other one ends it."
FAULTS = {
    "hangs before its headers": Fault.HANG,
    "hangs in the middle": Fault.HANG_MIDWAY,
    "resets before its headers": Fault.RESET,
    "resets in the middle": Fault.RESET_MIDWAY,
    "sends half a line": Fault.HALF_LINE,
    "sends what is no JSON": Fault.BAD_JSON,
    "promises more bytes than it sends": Fault.LONG_LENGTH,
    "ends without its terminal event": Fault.NO_END,
    "429 with seconds": Fault.RATE_SECONDS,
    "429 with a date": Fault.RATE_DATE,
    "429 without a word on when": Fault.RATE,
    "500": Fault.BROKEN,
    "502 with a page of HTML": Fault.BAD_GATEWAY,
    "529": Fault.OVERLOADED,
    "200 with an error for a body": Fault.ERROR_BODY,
    "an error as its first event": Fault.ERROR_FIRST,
}
"""The sixteen."""
MORE = {
    "promises fewer bytes than it sends": Fault.SHORT_LENGTH,
    "429 with milliseconds": Fault.RATE_MS,
    "an error in the middle": Fault.ERROR_MIDWAY,
    "keeps alive and says nothing": Fault.KEEP_ALIVES,
    "a byte a second": Fault.SLOW_BYTES,
    "no TLS where TLS is due": Fault.GARBAGE,
    "an empty answer": Fault.EMPTY,
    "the house's key is refused": Fault.BAD_KEY,
    "the house's account is empty": Fault.NO_QUOTA,
}
ALL = {**FAULTS, **MORE}
WHOLES = {(BEGUN, "stop"), (REST, "stop")}
"""What is whole. A vendor that had said everything before it failed has answered, too."""


@pytest.fixture(scope="module")
def variables() -> Mapping[str, str]:
    return IMPATIENT


@pytest.fixture(params=ALL.values(), ids=ALL.keys())
def broken(ilm: Gateway, request: pytest.FixtureRequest) -> Gateway:
    """A gateway whose first vendor fails in one way, however often it is asked."""
    ilm.vendor.script(FIRST, Script(text=BEGUN, pace=0.01).with_fault(request.param))
    ilm.vendor.script(SERVED_AS, text=REST)
    return ilm


def asked(ilm: Gateway, recovery: str, *, streamed: bool) -> dict[str, Any]:
    """Ask, and return what a client is left with: text, how it ended, whether it was told why."""
    client = ilm.openai(max_retries=0, default_headers={"X-Ilm-Recovery": recovery})
    made: Any = client.chat.completions.create(model=FIRST, messages=ASKED, stream=streamed)
    if not streamed:
        choice = made.choices[0]
        return {"text": choice.message.content, "finish": choice.finish_reason, "x": made.x_ilm}
    left: dict[str, Any] = {"text": "", "finish": None, "x": {}, "error": None}
    try:
        for chunk in _choices(made):
            left["text"] += chunk.choices[0].delta.content or ""
            left["finish"] = chunk.choices[0].finish_reason or left["finish"]
            left["x"] |= chunk.x_ilm
    except openai.APIError as error:
        left["error"] = error.code
    return left


def _choices(stream: Any) -> Iterator[Any]:
    return (chunk for chunk in stream if chunk.choices)


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_a_buffered_answer_is_whole_whatever_the_first_vendor_does(
    broken: Gateway, streamed: bool
) -> None:
    left = asked(broken, "buffer", streamed=streamed)

    assert (left["text"], left["finish"]) in WHOLES
    assert left["x"]["attempts"] == (1 if left["text"] == BEGUN else 2)
    assert left["x"]["served_by"]["model"] == (FIRST if left["text"] == BEGUN else SECOND)


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_a_continued_answer_is_whole_and_says_where_it_goes_on(
    broken: Gateway, streamed: bool
) -> None:
    left = asked(broken, "continue", streamed=streamed)
    begun = left["text"].removesuffix(REST)

    assert left["finish"] == "stop"
    assert BEGUN.startswith(begun)
    assert left["text"].endswith(REST) or left["text"] == BEGUN
    assert left["x"].get("continued", False) is (bool(begun) and left["text"] != BEGUN)
    assert streamed or (left["text"], "stop") in WHOLES


def test_by_default_an_answer_is_whole_or_ends_in_an_error_never_in_between(
    broken: Gateway,
) -> None:
    whole = asked(broken, "error", streamed=False)
    streamed = asked(broken, "error", streamed=True)

    assert (whole["text"], whole["finish"]) in WHOLES
    if streamed["error"]:
        assert streamed["finish"] is None
        assert BEGUN.startswith(streamed["text"])
        assert streamed["text"]
    else:
        assert (streamed["text"], streamed["finish"]) in WHOLES


@pytest.mark.parametrize("usage", list(Usage), ids=str)
def test_wherever_a_vendor_puts_its_usage_streamed_and_whole_cost_the_same(
    ilm: Gateway, usage: Usage
) -> None:
    ilm.vendor.script(FIRST, Script(text=BEGUN, usage=usage))

    whole = asked(ilm, "error", streamed=False)["x"]
    streamed = asked(ilm, "error", streamed=True)["x"]

    assert whole["cost_nano_usd"] == streamed["cost_nano_usd"] != "0"
    assert whole["estimated"] is streamed["estimated"] is (usage in {Usage.NONE, Usage.WRONG})
