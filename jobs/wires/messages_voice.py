"""Streams of Anthropic's Messages: blocks, one after the other, each begun and ended.

The `event:` line is mandatory: the official clients skip what has none.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from jobs.llms.ask import Answer
from jobs.sayings import Saying
from jobs.wires.errors import anthropic_body
from jobs.wires.hearing import LOST, Hearing, Part, encoded
from jobs.wires.messages_output import message_shell, object_in, stop_of, usage_of
from jobs.wires.wire import Call, Frame
from models.kernel.errors import IlmError, UpstreamError

Key = tuple[str, int | None]

EMPTY: Final[dict[str, dict[str, Any]]] = {
    "delta": {"type": "text", "text": ""},
    "reasoning": {"type": "thinking", "thinking": "", "signature": ""},
}
DELTAS: Final = {
    "delta": ("text_delta", "text"),
    "reasoning": ("thinking_delta", "thinking"),
    "tool": ("input_json_delta", "partial_json"),
}


class MessagesVoice(Hearing):
    """Tells a stream of blocks.

    An LLM may write several tool calls at once, and a block that is ended cannot go on. So while
    the call that is being told is not whole, pieces of anything else wait.
    """

    def __init__(self, call: Call, after: int | None) -> None:
        """Begin before the first block."""
        super().__init__(call, after)
        self._has_begun = False
        self._index = -1
        self._open: Key | None = None
        self._arguments: list[str] = []
        self._tools_told: set[Key] = set()
        self._waiting: list[Saying] = []

    def _telling(self, saying: Saying) -> Iterator[Part]:
        yield from self._begin()
        if _key(saying) != self._open and self._is_amid_a_call:
            self._waiting.append(saying)
            return
        yield from self._tell(saying)
        if self._waiting and not self._is_amid_a_call:
            waiting, self._waiting = self._waiting, []
            for piece in waiting:
                yield from self._telling(piece)

    def _tell(self, saying: Saying) -> Iterator[Part]:
        key = _key(saying)
        if key != self._open:
            if key in self._tools_told:
                raise UpstreamError(LOST)
            yield from self._stop()
            yield self._start(saying)
        if saying.text:
            self._arguments.append(saying.text)
            kind, name = DELTAS[saying.kind]
            delta = {"type": kind, name: saying.text}
            yield self._part("content_block_delta", index=self._index, delta=delta)

    def _start(self, saying: Saying) -> Part:
        self._open = _key(saying)
        self._arguments = []
        self._index += 1
        block = EMPTY.get(saying.kind)
        if block is None:
            self._tools_told.add(self._open)
            block = {"type": "tool_use", "id": saying.id, "name": saying.name, "input": {}}
        return self._part("content_block_start", index=self._index, content_block=block)

    def _stop(self) -> Iterator[Part]:
        if self._open is not None:
            self._open = None
            yield self._part("content_block_stop", index=self._index)

    @property
    def _is_amid_a_call(self) -> bool:
        """Whether the open block is a tool call whose arguments are not whole yet."""
        is_call = self._open is not None and self._open[0] == "tool"
        return is_call and object_in("".join(self._arguments)) is None

    def _begin(self) -> Iterator[Part]:
        if not self._has_begun:
            self._has_begun = True
            yield self._part("message_start", message=message_shell(self.call, self.model))

    def _closing(self, answer: Answer) -> Iterator[Part]:
        yield from self._begin()
        keys = [_key(piece) for piece in self._waiting]
        for piece in sorted(self._waiting, key=lambda piece: keys.index(_key(piece))):
            yield from self._tell(piece)
        yield from self._stop()
        usage = usage_of(answer.tokens)
        yield self._part("message_delta", delta=stop_of(answer), usage=usage) | {
            "x_ilm": answer.x_ilm
        }
        yield self._part("message_stop")

    def _part(self, kind: str, **fields: Any) -> Part:
        return {"type": kind, **fields, "x_ilm": {"job_id": self.call.job_id}}

    def _written(self, parts: Sequence[Part]) -> Sequence[Frame]:
        if parts:
            parts[-1]["x_ilm"]["seq"] = self.seq
        return [_frame(self.seq, part) for part in parts]

    def _failed(self, error: IlmError) -> Sequence[Frame]:
        number = max(self.seq, self.after) + 1
        part = {**anthropic_body(error), "x_ilm": {"job_id": self.call.job_id}}
        return [Frame(number, f"event: error\ndata: {encoded(part)}")]


def _frame(number: int, part: Part) -> Frame:
    return Frame(number, f"event: {part['type']}\ndata: {encoded(part)}")


def _key(saying: Saying) -> Key:
    """Return what tells which block a piece belongs to."""
    return saying.kind, saying.index
