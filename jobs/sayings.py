"""What is said in a stream: text, thinking, tool calls; in pieces, and all of it so far."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

CONTENT: Final = frozenset({"delta", "reasoning", "tool", "snapshot"})
"""The kinds of events that show some of an answer."""


def is_content(event: str) -> bool:
    """Say whether an event, as streams encode them, shows some of an answer."""
    return json.loads(event)["type"] in CONTENT


@dataclass(frozen=True, slots=True)
class Saying:
    """One piece: a `delta` or `reasoning` of text, or of the arguments of a `tool` call.

    `index`, `id` and `name` are those of a tool call; id and name come with its first piece.
    """

    kind: str
    text: str
    index: int | None = None
    id: str | None = None
    name: str | None = None

    def takes(self, other: "Saying") -> bool:
        """Say whether another piece goes on where this one ends."""
        return (other.kind, other.index, other.id) == (self.kind, self.index, None)

    def with_more(self, other: "Saying") -> "Saying":
        """Return this piece with another's text after it."""
        return replace(self, text=self.text + other.text)

    @property
    def fields(self) -> Mapping[str, Any]:
        """What the event carries beside its number and kind."""
        if self.kind != "tool":
            return {"text": self.text}
        begins = {"id": self.id, "name": self.name} if self.id is not None else {}
        return {"index": self.index, **begins, "arguments": self.text}


@dataclass(slots=True)
class Said:
    """Everything said so far, for whoever missed the pieces."""

    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    tools: dict[int, dict[str, Any]] = field(default_factory=dict)
    server: Mapping[str, Any] | None = None
    """Who says it, as `served` told."""

    def add(self, saying: Saying) -> None:
        """Take a piece."""
        if saying.kind == "delta":
            self.text.append(saying.text)
        elif saying.kind == "reasoning":
            self.reasoning.append(saying.text)
        else:
            self._add_to_tool(saying)

    def _add_to_tool(self, saying: Saying) -> None:
        index = saying.index or 0
        tool = self.tools.setdefault(
            index, {"index": index, "id": saying.id, "name": saying.name, "arguments": ""}
        )
        tool["arguments"] += saying.text

    @property
    def fields(self) -> dict[str, Any]:
        """What a `snapshot` carries: the text, and the rest where there is any."""
        whole: dict[str, Any] = {"text": "".join(self.text)}
        if self.reasoning:
            whole["reasoning"] = "".join(self.reasoning)
        if self.tools:
            whole["tools"] = list(self.tools.values())
        return whole
