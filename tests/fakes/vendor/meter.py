"""The vendor's own view of what it was asked, what it sent, and when its clients went away."""

import re
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from time import monotonic
from typing import Any

TOKEN = re.compile(r"\w+|[^\w\s]")


def count_tokens(text: str) -> int:
    """Count words and signs."""
    return len(TOKEN.findall(text))


def text_in(value: Any) -> str:
    """Return all that is said in messages, whatever wire they came by."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return " ".join(text_in(value.get(name)) for name in ("content", "text", "thinking"))
    if isinstance(value, list):
        return " ".join(text_in(part) for part in value)
    return ""


@dataclass(kw_only=True)
class Seen:
    """One call. `closed_after` is when its client hung up early, in seconds from its start.

    `peer` is the client's end of the connection; `output` is what was generated until the end, by
    the vendor's own tokenizer: its bill.
    """

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    peer: str = ""
    input: int = 0
    output: int = 0
    deltas: int = 0
    fault: str | None = None
    finished: bool = False
    closed_after: float | None = None
    began: float = field(default_factory=monotonic, repr=False)

    def close(self) -> None:
        """Take note that the client has hung up."""
        if not self.finished and self.closed_after is None:
            self.closed_after = monotonic() - self.began


@dataclass
class Meter:
    """All calls for one model."""

    calls: list[Seen] = field(default_factory=list)

    @property
    def input(self) -> int:
        """Tokens in of all calls."""
        return sum(call.input for call in self.calls)

    @property
    def output(self) -> int:
        """Tokens out of all calls, those of broken ones too."""
        return sum(call.output for call in self.calls)

    @property
    def closed(self) -> list[Seen]:
        """The calls whose clients went away before the end."""
        return [call for call in self.calls if call.closed_after is not None]

    def to_json(self) -> dict[str, Any]:
        """Return it as `GET /_meter` tells it."""
        return {
            "calls": [asdict(call) for call in self.calls],
            "input": self.input,
            "output": self.output,
            "closed": len(self.closed),
        }


class Meters(defaultdict[str, Meter]):
    """The meters by model."""

    def __init__(self) -> None:
        super().__init__(Meter)
