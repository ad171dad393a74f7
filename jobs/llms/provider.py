"""The port to whoever runs language models: one normal request, delta, usage and error (M-30).

Messages, tools and options have the shape of OpenAI's Chat Completions, which every vendor's can
be made of and most take as it is. An adapter lets no foreign error, type or quirk through.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Message = Mapping[str, Any]
"""`role` is system, user, assistant or tool; `content` a text or parts; `tool_calls` as in Chat."""

OnStop = Callable[[Callable[[], None]], None]
"""Takes what ends a call from another thread, at once: it shuts the call's socket down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a call may take, in seconds (CONTRACT §5).

    To connect, to its first content, from one piece of it to the next, and altogether.
    """

    connect: float = 5.0
    first: float = 30.0
    idle: float = 20.0
    whole: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What an LLM is asked.

    `llm` is the name its vendor knows it by. `options` are further fields of a Chat request
    (`temperature`, `tools`, `response_format`, …), unknown ones included. `key` is a caller's own
    key; without one the house's is used.
    """

    llm: str
    messages: tuple[Message, ...]
    max_tokens: int
    options: Mapping[str, Any] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a call used, by the vendor's own meter.

    `input` is the whole prompt; `cached` of it came from the vendor's cache, `written` of it went
    into that cache for minutes, `written_long` of it for an hour. `output` is all that was
    generated; `reasoning` of it was thinking.
    """

    input: int
    output: int
    cached: int = 0
    written: int = 0
    written_long: int = 0
    reasoning: int = 0


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True)
class Reasoning:
    """A piece of the thinking that the vendor shows."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolDelta:
    """A piece of a tool call. `id` and `name` come with the first piece of each `index`."""

    index: int
    arguments: str
    id: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """Usage so far, when a vendor tells it before the end: the last one counts, never the sum."""

    tokens: Tokens


@dataclass(frozen=True, slots=True)
class Finish:
    """The terminal event: why the answer ended, and what it used, if the vendor said.

    `reason` is stop, length, tool_calls or content_filter; `stop_sequence` the one that stopped it,
    where the vendor names it. An answer without a terminal event is never a success.
    """

    reason: str
    tokens: Tokens | None
    stop_sequence: str | None = None


Piece = Delta | Reasoning | ToolDelta | Counted | Finish


class Provider(Protocol):
    """An adapter to one vendor.

    Raises `UpstreamError` and its kin, `UpstreamTimeout`, `ModelNotAvailable` for an LLM that the
    vendor does not run, and `UpstreamRefused` alone.
    """

    def stream(self, request: Request, on_stop: OnStop) -> Iterator[Piece]:
        """Yield pieces as they arrive, and one `Finish` last.

        Whoever closes the iterator, or whatever `on_stop` was given being called, closes the
        vendor's socket within a second.
        """
        ...


@dataclass(frozen=True, slots=True)
class Embedded:
    """Vectors, one a text and in its order, and the tokens they took."""

    vectors: Sequence[Sequence[float]]
    tokens: int


def unstopped(stop: Callable[[], None]) -> None:
    """Be the `OnStop` of a call that nobody ends before its time."""
    del stop


class Embedder(Protocol):
    """An adapter to a model that makes vectors of texts; raises what a `Provider` raises."""

    def embed(
        self,
        llm: str,
        texts: Sequence[str],
        dimensions: int | None,
        on_stop: OnStop = unstopped,
    ) -> Embedded:
        """Return a unit vector for each text; `dimensions` shortens them, where the model can.

        Whatever `on_stop` was given being called, a vendor's socket is closed within a second.
        """
        ...


def text_of(message: Message) -> str:
    """Return the text of a message, of its parts too; what is no text counts as nothing."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    if not isinstance(content, Sequence):
        return ""
    parts = (part.get("text") for part in content if isinstance(part, Mapping))
    return "".join(part for part in parts if isinstance(part, str))


def is_silent(message: Message) -> bool:
    """Say whether a message of the assistant has neither words nor calls: vendors refuse one."""
    is_ours = message.get("role") == "assistant"
    return is_ours and not message.get("content") and not message.get("tool_calls")
