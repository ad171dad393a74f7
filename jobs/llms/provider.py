"""The port to whoever runs language models: one normal request, delta and usage (M-30)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """One message: `role` is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Request:
    """What an LLM is asked. `max_tokens` bounds the answer."""

    llm: str
    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float | None = None


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Finish:
    """The terminal event: why it ended (`stop`, `length`), and the tokens it used.

    An answer without one is never a success.
    """

    reason: str
    tokens_in: int
    tokens_out: int


class Provider(Protocol):
    """An adapter to one vendor; raises `UpstreamError`, `UpstreamTimeout`, `Refused` alone."""

    def stream(
        self, request: Request, on_stop: Callable[[Callable[[], None]], None]
    ) -> Iterator[Delta | Finish]:
        """Yield deltas as they arrive, and one `Finish` last.

        `on_stop` takes what ends the call from another thread, within a second.
        """
        ...
