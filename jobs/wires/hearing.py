"""What every voice hears alike: the attempt that counts, what is said so far, what is missing.

These wires cannot take words back. So a voice fails, retryably, rather than tell what does not go
on from what its client was told: a later attempt, another answer, or events that are lost. An
answer is told as complete only when every word of it was.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from jobs.llms.ask import Answer
from jobs.sayings import Said, Saying
from jobs.streams import PER_ATTEMPT
from jobs.wires.errors import error_of
from jobs.wires.wire import Call, Event, Frame
from models.jobs import JobRow
from models.kernel.errors import IlmError, Unavailable, UpstreamError
from models.kernel.ids import parse_id

TAKEN_BACK: Final = "the answer broke off and is begun anew; ask for it again from its start"
LOST: Final = "what follows in this stream is lost; ask for the whole answer without stream"

Part = dict[str, Any]
"""What one frame says, before it is numbered and written."""


class Hearing(ABC):
    """One client's voice, up to how a wire puts it. `after` is the cursor of who resumes."""

    def __init__(self, call: Call, after: int | None) -> None:
        """Begin with nothing said."""
        self.call = call
        self.model = str(call.body.get("model", ""))
        self.said = Said()
        self.seq = 0
        self.after = -1 if after is None else after
        self.has_ended = False

    def hear(self, event: Event) -> Sequence[Frame]:
        """Return the frames of an event; none for what this wire does not tell."""
        if self.has_ended or attempt_of(event["seq"]) < self._attempt_told():
            return ()
        self.seq = max(self.seq, event["seq"])
        try:
            return self._written([*self._opening(), *self._heard(event)])
        except IlmError as error:
            return self.fail(error)

    def fail(self, error: IlmError) -> Sequence[Frame]:
        """Return the frames that end a stream with an error; they are above every cursor."""
        self.has_ended = True
        return self._failed(error)

    def _heard(self, event: Event) -> Iterator[Part]:
        """Yield what an event says; raise what ends the stream."""
        kind = event["type"]
        is_told = self._attempt_told() > 0
        if is_told and attempt_of(self.seq) > self._attempt_told():
            raise UpstreamError(TAKEN_BACK)
        if kind == "restart" and not self._is_harmless(event["seq"]):
            raise UpstreamError(TAKEN_BACK)
        if kind == "served":
            self.model = event["model"]
        elif kind in {"delta", "reasoning", "tool"}:
            yield from self._say(saying_of(event))
        elif kind == "snapshot":
            yield from self._make_up(event.get("result") or {}, event)
        elif kind == "end":
            yield from self._end(event)

    def _end(self, event: Event) -> Iterator[Part]:
        job = event.get("job")
        if job is None:
            raise Unavailable("the server is going away; resume this stream after its last event")
        if event["status"] != "succeeded":
            raise error_of(event["status"], job["error"])
        answer = Answer.of(_row_of(self.call, job["result"]))
        yield from self._make_up(job["result"], {})
        self.model = answer.model
        self.has_ended = True
        yield from self._closing(answer)

    def _make_up(self, result: Mapping[str, Any], snapshot: Event) -> Iterator[Part]:
        """Yield what of a result, or of everything so far, was not said yet."""
        self.model = result.get("model", self.model)
        tools = result.get("toolCalls") or snapshot.get("tools") or ()
        whole = {
            "reasoning": result.get("reasoning") or snapshot.get("reasoning") or "",
            "delta": result.get("content") or snapshot.get("text") or "",
        }
        rest = [*_rest_of_text(self.said, whole), *_rest_of_tools(self.said, tools)]
        if any(map(_says, rest)) and self._is_silent and not self._is_harmless(self.seq):
            raise UpstreamError(LOST)
        for saying in rest:
            yield from self._say(saying)

    def _say(self, saying: Saying) -> Iterator[Part]:
        """Yield the parts of one piece."""
        if _says(saying):
            parts = list(self._telling(saying))
            self.said.add(saying)
            yield from parts

    @property
    def _is_silent(self) -> bool:
        """Whether nothing was said yet."""
        return not (self.said.text or self.said.reasoning or self.said.tools)

    def _attempt_told(self) -> int:
        """Return the attempt of whose answer the client was told before; 0 when of none."""
        return attempt_of(self.after) if self.after > 0 else 0

    def _is_harmless(self, seq: int) -> bool:
        """Say whether an answer may begin at an event: none was told, or it was told from there."""
        return self._is_silent and (not self._attempt_told() or self._was_told(seq))

    def _was_told(self, seq: int) -> bool:
        """Say whether the client was told an event before."""
        return seq <= self.after

    def _opening(self) -> Sequence[Part]:
        """Return what is told before anything is said."""
        return ()

    @abstractmethod
    def _telling(self, saying: Saying) -> Iterator[Part]:
        """Yield the parts that tell a piece; `said` is what came before it."""

    @abstractmethod
    def _closing(self, answer: Answer) -> Iterator[Part]:
        """Yield the parts that end a whole answer."""

    @abstractmethod
    def _written(self, parts: Sequence[Part]) -> Sequence[Frame]:
        """Return the parts of one event, numbered and written."""

    @abstractmethod
    def _failed(self, error: IlmError) -> Sequence[Frame]:
        """Return the end of a stream that failed."""


def attempt_of(seq: int) -> int:
    """Return the attempt in which an event was numbered."""
    return seq // PER_ATTEMPT


def _says(saying: Saying) -> bool:
    """Say whether a piece says anything: some text, or that a tool call begins."""
    return bool(saying.text) or saying.id is not None


def saying_of(event: Event) -> Saying:
    """Read a piece of an answer."""
    if event["type"] != "tool":
        return Saying(event["type"], event["text"])
    return Saying("tool", event["arguments"], event["index"], event.get("id"), event.get("name"))


def encoded(part: Part) -> str:
    """Write a part as JSON on one line, the same whenever it is written."""
    return json.dumps(part, separators=(",", ":"))


def seconds_of(call: Call) -> int:
    """Return when a call was made, in Unix seconds."""
    return int(call.created_at.timestamp())


def hex_of(call: Call) -> str:
    """Return what the ids of a call's answer are made of: the digits of its job's id."""
    return parse_id("job", call.job_id).hex


def _row_of(call: Call, result: dict[str, Any]) -> JobRow:
    """Return the row an `end` tells of, as far as an answer is read from it."""
    return JobRow(id=parse_id("job", call.job_id), created_at=call.created_at, result=result)


def _rest_of_text(said: Said, whole: Mapping[str, str]) -> Iterator[Saying]:
    """Yield the thinking and the text that were not said; raise when others were."""
    for kind, pieces in (("reasoning", said.reasoning), ("delta", said.text)):
        yield Saying(kind, _rest(whole[kind], "".join(pieces)))


def _rest_of_tools(said: Said, tools: Sequence[Mapping[str, Any]]) -> Iterator[Saying]:
    """Yield what of some tool calls was not said; raise when others were."""
    known = list(said.tools.values())
    if len(known) > len(tools):
        raise UpstreamError(LOST)
    for place, tool in enumerate(tools):
        if place >= len(known):
            index = tool.get("index", place)
            yield Saying("tool", tool["arguments"], index, tool["id"], tool["name"])
        elif known[place]["id"] != tool["id"]:
            raise UpstreamError(LOST)
        else:
            rest = _rest(tool["arguments"], known[place]["arguments"])
            yield Saying("tool", rest, known[place]["index"])


def _rest(whole: str, said: str) -> str:
    if not whole.startswith(said):
        raise UpstreamError(LOST)
    return whole[len(said) :]
