"""The voice of a chat's stream: the events of an answer's job as M-21 spells them.

Like the wires' voices it hears every event and tells those above a client's cursor, so that a
stream that is resumed is the same bytes. A client is never left with words that do not count: when
an answer is begun anew it is told so, by an error or by `restart` as it chose, and when it lacks
something the next content comes as a `snapshot` of everything so far.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from jobs.llms.ask import RESTART
from jobs.sayings import Said, Saying
from jobs.streams import PER_ATTEMPT
from jobs.wires.errors import error_of, message_of
from jobs.wires.hearing import saying_of
from jobs.wires.wire import Event, Frame
from models.kernel.errors import IlmError, Unavailable, UpstreamError
from models.kernel.money import Nano

RETRY_MS: Final = 1_000
BEGUN_ANEW: Final = "the answer broke off and is begun anew; resume this stream to have it"
FIRST: Final = PER_ATTEMPT + 1
"""The number of the first event of a stream that lacks nothing."""

Part = dict[str, Any]


class ChatVoice:
    """Tells one client one answer. `after` is the cursor of who resumes."""

    def __init__(self, message_id: str, job_id: str, *, recovery: str, after: int | None) -> None:
        """Begin with nothing said."""
        self.has_ended = False
        self._opening = {"type": "start", "message_id": message_id, "job_id": job_id}
        self._message_id = message_id
        self._recovery = recovery
        self._after = -1 if after is None else after
        self._said = Said()
        self._warned: set[str] = set()
        self._is_level = after is None
        """Whether the client has what was said, so that a piece may follow on it."""

    def hear(self, event: Event) -> Sequence[Frame]:
        """Return the frames of an event; none for what clients need not know."""
        if self.has_ended:
            return ()
        seq = event["seq"]
        self._is_level = self._is_level or seq == FIRST
        if event["type"] == "end":
            return list(self._end(event))
        return [_frame(seq, part) for part in self._parts(event)]

    def fail(self, error: IlmError) -> Sequence[Frame]:
        """Return the frame that ends a stream with an error; it is above every cursor."""
        self.has_ended = True
        return [Frame(number=self._after + 1, text=f"data: {_json(_error(error))}")]

    def _parts(self, event: Event) -> Iterator[Part]:
        """Yield what an event says; one part at most."""
        kind = event["type"]
        if kind == "status":
            yield from self._status(event)
        elif kind in {"delta", "reasoning", "tool"}:
            yield self._say(saying_of(event))
        elif kind == "restart":
            yield from self._restart(event)
        elif kind == "snapshot":
            yield from self._make_up(event.get("result") or event, event["seq"])
        elif kind == "warning":
            self._warned.add(event["message"])
            told = {name: value for name, value in event.items() if name not in {"seq", "type"}}
            yield {"type": "warning", **told}
        elif kind == "tokens":
            yield {"type": "tokens", "input": event["input"], "output": event["output"]}

    def _status(self, event: Event) -> Iterator[Part]:
        if event["seq"] == 0:
            yield self._opening
        elif event["status"] == "running":
            yield {"type": "typing"}

    def _say(self, saying: Saying) -> Part:
        """Return a piece, or all there is for a client that lacks what came before."""
        self._said.add(saying)
        if not self._is_level:
            self._is_level = True
            return _snapshot(self._said)
        if saying.kind == "tool":
            return {"type": "tool_call", **saying.fields}
        kind = "chunk" if saying.kind == "delta" else "reasoning"
        return {"type": kind, "content": saying.text}

    def _restart(self, event: Event) -> Iterator[Part]:
        """Take back what was said; who did not ask to be told so in the stream gets an error."""
        had, self._said = _says(self._said), Said()
        if not had:
            return
        if self._recovery == RESTART:
            yield {"type": "restart", "attempt": event["attempt"]}
            return
        self._is_level = False
        self.has_ended = event["seq"] > self._after
        yield _error(UpstreamError(BEGUN_ANEW))

    def _make_up(self, whole: Mapping[str, Any], seq: int) -> Iterator[Part]:
        """Yield what of everything so far the client lacks."""
        before, self._said = self._said, _said_of(whole)
        had = self._is_level
        self._is_level = True
        text, told = "".join(self._said.text), "".join(before.text)
        is_text_alone = not (self._said.reasoning or self._said.tools)
        if had and _fields(before) == _fields(self._said):
            return
        if had and is_text_alone and text.startswith(told) and not before.reasoning:
            yield {"type": "chunk", "content": text[len(told) :]}
        elif _says(self._said) or seq <= self._after:
            yield _snapshot(self._said)

    def _end(self, event: Event) -> Iterator[Frame]:
        """Yield the end: what is still lacking, what is cited, the totals, and how it ended."""
        seq, job = event["seq"], event["job"]
        self.has_ended = True
        result: Mapping[str, Any] | None = job["result"]
        if result is not None:
            yield from (_frame(seq - 1, part) for part in self._make_up(result, seq - 1))
            yield from (_unnumbered(seq, part) for part in self._particulars(result))
        yield _frame(seq, self._last(event["status"], job), number=max(seq, self._after + 1))

    def _particulars(self, result: Mapping[str, Any]) -> Iterator[Part]:
        """Yield what is cited, what was not warned of yet, and the totals."""
        for citation in result["citations"]:
            yield {"type": "citation", **citation}
        for warning in result.get("warnings", ()):
            if warning["message"] not in self._warned:
                yield {"type": "warning", **warning}
        tokens = result["tokens"]
        yield {"type": "tokens", "input": tokens["input"], "output": tokens["output"]}

    def _last(self, status: str, job: Mapping[str, Any]) -> Part:
        result: Mapping[str, Any] = job["result"] or {}
        if status == "failed":
            return _error(error_of(status, job["error"]))
        cost = Nano(int(result.get("usage", {}).get("costNanoUsd", 0)))
        return {
            "type": "done",
            "finish_reason": result.get("finishReason", "cancelled"),
            "message_id": self._message_id,
            "cost_cents": cost.cost_cents,
        }


def leaving() -> str:
    """Return the frame of a server that goes away: the client is to resume elsewhere."""
    return f"event: end\nretry: {RETRY_MS}\ndata: {_json({'type': 'end', 'resumable': True})}"


def _error(error: IlmError) -> Part:
    return {
        "type": "error",
        "code": error.code,
        "message": message_of(error),
        "retryable": isinstance(error, Unavailable),
    }


def _snapshot(said: Said) -> Part:
    return {"type": "snapshot", **_fields(said)}


def _fields(said: Said) -> Part:
    """Return everything said so far, as a `snapshot` carries it."""
    whole: Part = {"content": "".join(said.text)}
    if said.reasoning:
        whole["reasoning"] = "".join(said.reasoning)
    if said.tools:
        whole["tool_calls"] = [dict(tool) for _, tool in sorted(said.tools.items())]
    return whole


def _said_of(whole: Mapping[str, Any]) -> Said:
    """Read a snapshot of a running job, or the result of one that is over."""
    said = Said()
    said.add(Saying("delta", whole.get("text") or whole.get("content") or ""))
    if whole.get("reasoning"):
        said.add(Saying("reasoning", whole["reasoning"]))
    for place, tool in enumerate(whole.get("tools") or whole.get("toolCalls") or ()):
        index = tool.get("index", place)
        said.add(Saying("tool", tool["arguments"], index, tool["id"], tool["name"]))
    return said


def _says(said: Said) -> bool:
    return any(said.text) or bool(said.reasoning or said.tools)


def _frame(seq: int, part: Part, *, number: int | None = None) -> Frame:
    text = f"id: {seq}\ndata: {_json(part)}"
    if part["type"] == "start":
        text = f"retry: {RETRY_MS}\n{text}"
    return Frame(number=seq if number is None else number, text=text)


def _unnumbered(seq: int, part: Part) -> Frame:
    return Frame(number=seq, text=f"data: {_json(part)}")


def _json(part: Part) -> str:
    return json.dumps(part, separators=(",", ":"))
