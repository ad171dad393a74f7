"""Streams of OpenAI's Responses.

`sequence_number` begins at 0 and is the same in every replay: two events open the response, and
what an attempt says is counted on from its own million, so that a cursor tells which attempt it is
of.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from jobs.llms.ask import Answer
from jobs.sayings import Saying
from jobs.streams import PER_ATTEMPT
from jobs.wires.hearing import Hearing, Part, attempt_of, encoded, hex_of
from jobs.wires.responses_items import FunctionCall, Item, Thinking, Words
from jobs.wires.responses_output import (
    cancelled_body,
    ended_body,
    failed_body,
    pending_body,
    status_of_answer,
)
from jobs.wires.wire import Call, Frame
from models.kernel.errors import Cancelled, IlmError

OPENING: Final = 2
"""Events that open a response, before anything is said."""


class ResponsesVoice(Hearing):
    """Tells a stream as items: opened at their first piece, closed when the next one begins.

    Calls of functions stay open to the end, since an LLM may write several at once.
    """

    def __init__(self, call: Call, after: int | None) -> None:
        """Begin with no items."""
        super().__init__(call, after)
        self._count = 0
        self._items: list[Item] = []
        self._open: list[Item] = []

    def _opening(self) -> Sequence[Part]:
        if self._count:
            return ()
        begun = pending_body(self.call, "in_progress")
        kinds = ("response.created", "response.in_progress")
        return [{"type": kind, "response": begun} for kind in kinds]

    def _telling(self, saying: Saying) -> Iterator[Part]:
        item = self._going_on(saying)
        if item is None:
            yield from self._close({"reasoning", "delta"})
            item = self._new(saying)
            self._items.append(item)
            self._open.append(item)
            yield from item.opening()
        if saying.text:
            item.pieces.append(saying.text)
            yield item.delta(saying.text)

    def _going_on(self, saying: Saying) -> Item | None:
        """Return the open item that a piece belongs to."""
        for item in self._open:
            if isinstance(item, FunctionCall):
                if saying.kind == item.kind and saying.index == item.index:
                    return item
            elif saying.kind == item.kind:
                return item
        return None

    def _new(self, saying: Saying) -> Item:
        digits, place = hex_of(self.call), len(self._items)
        if saying.kind == "tool":
            return FunctionCall(
                hex=digits, place=place, call_id=saying.id or "", name=saying.name or "",
                index=saying.index or 0,
            )  # fmt: skip
        return (Words if saying.kind == "delta" else Thinking)(hex=digits, place=place)

    def _close(self, kinds: Collection[str], last: str = "completed") -> Iterator[Part]:
        """End the open items of some kinds; `last` is the status of the very last one."""
        for item in [item for item in self._open if item.kind in kinds]:
            self._open.remove(item)
            yield from item.closing(last if item is self._items[-1] else "completed")

    def _closing(self, answer: Answer) -> Iterator[Part]:
        if not (self.said.text or self.said.tools):
            yield from self._telling(Saying("delta", ""))
        status = status_of_answer(answer)
        yield from self._close({"reasoning", "delta", "tool"}, status)
        response = ended_body(self.call, answer, self._items)
        yield {"type": f"response.{status}", "response": response}

    def _failed(self, error: IlmError) -> Sequence[Frame]:
        """Write `response.failed`: a bare `error` event is swallowed by clients."""
        frames = self._written(self._opening())
        response = failed_body(self.call, error, self._items)
        if isinstance(error, Cancelled):
            response["status"] = cancelled_body(self.call)["status"]
        number = max(self._number(), self.after + 1)
        failed = {"type": "response.failed", "response": response}
        return [*frames, _frame(number, failed)]

    def _written(self, parts: Sequence[Part]) -> Sequence[Frame]:
        frames = []
        for part in parts:
            frames.append(_frame(self._number(), part))
            self._count += 1
        return frames

    def _number(self) -> int:
        """Return the number of the next event."""
        if self._count < OPENING:
            return self._count
        return max(attempt_of(self.seq) - 1, 0) * PER_ATTEMPT + self._count

    def _attempt_told(self) -> int:
        return self.after // PER_ATTEMPT + 1 if self.after >= OPENING else 0

    def _was_told(self, seq: int) -> bool:
        """Say so of an attempt's first event alone: others have no number here."""
        return seq % PER_ATTEMPT == 1


def _frame(number: int, part: Part) -> Frame:
    numbered = {"type": part["type"], "sequence_number": number, **part}
    return Frame(number, f"event: {part['type']}\ndata: {encoded(numbered)}")
