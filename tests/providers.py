"""Adapters to the fake vendor, and what tests ask of them."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from jobs.llms.provider import (
    Counted,
    Delta,
    Finish,
    Limits,
    Piece,
    Provider,
    Reasoning,
    Request,
    Tokens,
    ToolDelta,
)
from models.llms import Vendor
from tests.fakes.vendor.vendor import FakeVendor
from workers.adapters.llms.anthropic_messages import AnthropicMessages
from workers.adapters.llms.openai_shaped import OpenAIShaped
from workers.adapters.llms.sockets import Exchange

WIRES = ("openai", "anthropic")
KEY = "sk-house-canary-0123456789"
QUESTION = "Where does the walrus of this test live?"
PATIENT = 60.0
"""Seconds a test waits for what has to happen."""


def provider(wire: str, fake: FakeVendor, exchange: Exchange, **quirks: Any) -> Provider:
    """Return an adapter of a wire to the fake vendor."""
    vendor = Vendor(name="fake", title="Fake", wire=wire, key="openai_api_key", quirks=quirks)
    if wire == "anthropic":
        return AnthropicMessages(vendor, fake.address, KEY, exchange)
    return OpenAIShaped(vendor, fake.openai_address, KEY, exchange)


def request(llm: str = "m", limits: Limits | None = None, **how: Any) -> Request:
    """Return a question."""
    messages = ({"role": "user", "content": QUESTION},)
    fields = {"messages": messages, "max_tokens": 1_000, **how}
    return Request(llm=llm, limits=limits or Limits(), **fields)


@dataclass
class Read:
    """A whole answer, put together."""

    text: str = ""
    reasoning: str = ""
    tools: dict[int, list[str]] = field(default_factory=dict)
    counted: list[Tokens] = field(default_factory=list)
    finish: Finish | None = None

    @property
    def tokens(self) -> Tokens | None:
        return self.finish.tokens if self.finish else None


def read(pieces: Iterator[Piece], into: Read | None = None) -> Read:
    """Put an answer together; whatever is raised, `into` has what came before."""
    answer = into if into is not None else Read()
    for piece in pieces:
        assert answer.finish is None, "nothing comes after the end"
        match piece:
            case Delta(text):
                answer.text += text
            case Reasoning(text):
                answer.reasoning += text
            case ToolDelta(index, arguments, name=name) if name is not None:
                assert index not in answer.tools
                answer.tools[index] = [name, arguments]
            case ToolDelta(index, arguments):
                answer.tools[index][1] += arguments
            case Counted(tokens):
                answer.counted.append(tokens)
            case Finish():
                answer.finish = piece
    return answer


def never(_stop: Callable[[], None]) -> None:
    """Be told how to stop a call, and never do."""


class Stopper:
    """Keeps what stops a call."""

    def __init__(self) -> None:
        self.told = threading.Event()
        self._stop: Callable[[], None] = lambda: None

    def __call__(self, stop: Callable[[], None]) -> None:
        self._stop = stop
        self.told.set()

    def stop(self) -> None:
        """Stop the call."""
        assert self.told.wait(PATIENT)
        self._stop()


def until(holds: Callable[[], Any]) -> None:
    """Wait until something holds."""
    ends = monotonic() + PATIENT
    pause = threading.Event()
    while not holds():
        assert monotonic() < ends, "it never came to hold"
        pause.wait(0.005)
