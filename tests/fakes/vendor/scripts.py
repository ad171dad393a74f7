"""What the fake vendor is told to answer, and how it is told to misbehave."""

from base64 import b64decode, b64encode
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Self


class Fault(StrEnum):
    """A way in which vendors fail. What is in the middle strikes after `Strike.after` deltas."""

    HANG = "hang"
    HANG_MIDWAY = "hang_midway"
    RESET = "reset"
    RESET_MIDWAY = "reset_midway"
    HALF_LINE = "half_line"
    BAD_JSON = "bad_json"
    LONG_LENGTH = "long_length"
    SHORT_LENGTH = "short_length"
    NO_END = "no_end"
    RATE_SECONDS = "rate_seconds"
    RATE_DATE = "rate_date"
    RATE_MS = "rate_ms"
    RATE = "rate"
    BROKEN = "broken"
    BAD_GATEWAY = "bad_gateway"
    OVERLOADED = "overloaded"
    BAD_KEY = "bad_key"
    UNPAID = "unpaid"
    NO_QUOTA = "no_quota"
    TOO_LONG = "too_long"
    REFUSED = "refused"
    ERROR_BODY = "error_body"
    ERROR_FIRST = "error_first"
    ERROR_MIDWAY = "error_midway"
    KEEP_ALIVES = "keep_alives"
    SLOW_BYTES = "slow_bytes"
    GARBAGE = "garbage"
    EMPTY = "empty"


class Usage(StrEnum):
    """Where a vendor puts what a call used."""

    FINAL = "final"
    NONE = "none"
    WRONG = "wrong"
    CUMULATIVE = "cumulative"
    WITH_CHOICES = "with_choices"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """A fault, for how many calls (None is all), after how many deltas, and its wait in seconds."""

    fault: Fault
    times: int | None = None
    after: int = 2
    seconds: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool call the vendor answers with."""

    name: str
    arguments: str
    id: str = "call_fake"


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """How a model answers. Without `text` it says words that depend on the prompt alone.

    `pace` is seconds between deltas, `delay` before the first; `seed` cuts the stream into chunks
    at random, through characters and blank lines too. `stopped_by` is the stop sequence that ends
    the answer. `body` is sent as it is, for an answer.
    """

    text: str | None = None
    reasoning: str = ""
    tools: tuple[Tool, ...] = ()
    deltas: int = 8
    pace: float = 0.0
    delay: float = 0.0
    seed: int | None = None
    finish: str | None = None
    stopped_by: str | None = None
    usage: Usage = Usage.FINAL
    cached: int = 0
    written: int = 0
    written_long: int = 0
    strikes: tuple[Strike, ...] = ()
    status: int = 200
    content_type: str = "text/event-stream"
    body: bytes | None = field(default=None, repr=False)

    def with_fault(self, fault: Fault, **how: Any) -> Self:
        """Return the script with one more fault."""
        return replace(self, strikes=(*self.strikes, Strike(fault=fault, **how)))

    def to_json(self) -> dict[str, Any]:
        """Return it as `PUT /_script/<model>` takes it."""
        told = asdict(self)
        told["body"] = None if self.body is None else b64encode(self.body).decode()
        return told

    @classmethod
    def of_json(cls, told: dict[str, Any]) -> Self:
        """Read what another process was told to send; raise `TypeError` or `ValueError`."""
        given = dict(told)
        if given.get("body") is not None:
            given["body"] = b64decode(given["body"])
        given["tools"] = tuple(Tool(**tool) for tool in given.get("tools", ()))
        given["strikes"] = tuple(
            Strike(**{**strike, "fault": Fault(strike["fault"])})
            for strike in given.get("strikes", ())
        )
        given["usage"] = Usage(given.get("usage", Usage.FINAL))
        return cls(**given)
