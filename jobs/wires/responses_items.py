"""Items of a response's output: thinking, words, calls of functions; and the events of each.

An item's id is made of the job's and its place, so that it is the same in every stream and poll.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

from jobs.llms.ask import Answer
from jobs.wires.hearing import Part


@dataclass(slots=True, kw_only=True)
class Item(ABC):
    """One item, as far as it is said. `place` is its index in the output."""

    kind: ClassVar[str]
    prefix: ClassVar[str]

    hex: str
    place: int
    pieces: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The item's id."""
        return f"{self.prefix}_{self.hex}_{self.place}"

    @property
    def text(self) -> str:
        """All it says so far."""
        return "".join(self.pieces)

    @abstractmethod
    def body(self, status: str) -> dict[str, Any]:
        """Write the item."""

    def opening(self) -> list[Part]:
        """Return the events that begin it."""
        return [self._whole("added", "in_progress")]

    @abstractmethod
    def delta(self, text: str) -> Part:
        """Return the event that tells a piece."""

    def closing(self, status: str) -> list[Part]:
        """Return the events that end it."""
        return [self._whole("done", status)]

    def _whole(self, what: str, status: str) -> Part:
        return {
            "type": f"response.output_item.{what}",
            "output_index": self.place,
            "item": self.body(status),
        }

    def _part(self, kind: str, **fields: Any) -> Part:
        return {
            "type": f"response.{kind}",
            "item_id": self.id,
            "output_index": self.place,
            **fields,
        }


class Thinking(Item):
    """The thinking that a vendor shows, told as a summary: what clients render."""

    kind: ClassVar[str] = "reasoning"
    prefix: ClassVar[str] = "rs"

    def body(self, status: str) -> dict[str, Any]:
        """Write the item; its summary is empty until it is over."""
        summary = [] if status == "in_progress" else [self._summary]
        return {"id": self.id, "type": "reasoning", "summary": summary, "status": status}

    def opening(self) -> list[Part]:
        """Begin the item and its only part."""
        part = {"type": "summary_text", "text": ""}
        begun = self._part("reasoning_summary_part.added", summary_index=0, part=part)
        return [*Item.opening(self), begun]

    def delta(self, text: str) -> Part:
        """Tell a piece."""
        return self._part("reasoning_summary_text.delta", summary_index=0, delta=text)

    def closing(self, status: str) -> list[Part]:
        """End the text, the part and the item."""
        return [
            self._part("reasoning_summary_text.done", summary_index=0, text=self.text),
            self._part("reasoning_summary_part.done", summary_index=0, part=self._summary),
            *Item.closing(self, status),
        ]

    @property
    def _summary(self) -> dict[str, Any]:
        return {"type": "summary_text", "text": self.text}


class Words(Item):
    """The text of an answer."""

    kind: ClassVar[str] = "delta"
    prefix: ClassVar[str] = "msg"

    def body(self, status: str) -> dict[str, Any]:
        """Write the item; it has no content until it is over."""
        content = [] if status == "in_progress" else [_output_text(self.text)]
        return {
            "id": self.id,
            "type": "message",
            "status": status,
            "role": "assistant",
            "content": content,
        }

    def opening(self) -> list[Part]:
        """Begin the item and its only part."""
        begun = self._part("content_part.added", content_index=0, part=_output_text(""))
        return [*Item.opening(self), begun]

    def delta(self, text: str) -> Part:
        """Tell a piece."""
        return self._part("output_text.delta", content_index=0, delta=text, logprobs=[])

    def closing(self, status: str) -> list[Part]:
        """End the text, the part and the item."""
        whole = self.text
        return [
            self._part("output_text.done", content_index=0, text=whole, logprobs=[]),
            self._part("content_part.done", content_index=0, part=_output_text(whole)),
            *Item.closing(self, status),
        ]


@dataclass(slots=True, kw_only=True)
class FunctionCall(Item):
    """A call of a function; `index` is the LLM's own number of it."""

    kind: ClassVar[str] = "tool"
    prefix: ClassVar[str] = "fc"

    call_id: str
    name: str
    index: int

    def body(self, status: str) -> dict[str, Any]:
        """Write the item; it has no arguments until it is over."""
        return {
            "id": self.id,
            "type": "function_call",
            "status": status,
            "call_id": self.call_id,
            "name": self.name,
            "arguments": "" if status == "in_progress" else self.text,
        }

    def delta(self, text: str) -> Part:
        """Tell a piece of the arguments."""
        return self._part("function_call_arguments.delta", delta=text)

    def closing(self, status: str) -> list[Part]:
        """End the arguments and the item."""
        done = self._part("function_call_arguments.done", name=self.name, arguments=self.text)
        return [done, *Item.closing(self, status)]


def items_of(answer: Answer, hex_digits: str) -> list[Item]:
    """Return the items of a whole answer: thinking, text, calls."""
    items: list[Item] = []
    if answer.reasoning:
        items.append(Thinking(hex=hex_digits, place=0, pieces=[answer.reasoning]))
    if answer.content or not answer.tool_calls:
        items.append(Words(hex=hex_digits, place=len(items), pieces=[answer.content]))
    for index, call in enumerate(answer.tool_calls):
        called = FunctionCall(
            hex=hex_digits, place=len(items), pieces=[call.arguments],
            call_id=call.id, name=call.name, index=index,
        )  # fmt: skip
        items.append(called)
    return items


def _output_text(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
