"""Events of LLM calls, written by hand and thrown by dice, for whoever tells them on a wire."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from jobs.llms.ask import Answer
from jobs.streams import END, PER_ATTEMPT
from jobs.wires.wire import Call, Frame, Wire
from models.jobs import JobRow
from models.kernel.ids import wire_id

HEX = "0193f0c0ffee7000a000000000000001"
JOB = UUID(HEX)
NOW = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
WORDS = ("Hello", " wörld", "\n\n", "data: [DONE]", " 🦭", "\x85", '{"a":', "\u2028", "\\", '"')
TOKENS = {"input": 100, "output": 20, "cached": 40, "written": 10, "written_long": 5,
          "reasoning": 7}  # fmt: skip

Event = dict[str, Any]


def call(**body: Any) -> Call:
    """Make a call of a streaming client that wants its usage."""
    asked = {"model": "asked", "stream": True, "stream_options": {"include_usage": True}, **body}
    return Call(job_id=wire_id("job", JOB), created_at=NOW, body=asked)


@dataclass
class Flow:
    """One attempt at an answer, told event by event."""

    attempt: int = 1
    events: list[Event] = field(default_factory=list)
    text: str = ""
    reasoning: str = ""
    tools: list[dict[str, str]] = field(default_factory=list)

    def tell(self, kind: str, **fields: Any) -> "Flow":
        """Add an event that says nothing of the answer."""
        seq = self.attempt * PER_ATTEMPT + len(self.events) + 1
        self.events.append({"seq": seq, "type": kind, **fields})
        return self

    def served(self, model: str = "served") -> "Flow":
        return self.tell("served", vendor="fake", model=model)

    def say(self, *pieces: str) -> "Flow":
        for piece in pieces:
            self.text += piece
            self.tell("delta", text=piece)
        return self

    def think(self, *pieces: str) -> "Flow":
        for piece in pieces:
            self.reasoning += piece
            self.tell("reasoning", text=piece)
        return self

    def use(self, name: str, *pieces: str) -> "Flow":
        """Call a tool, all at once or piece by piece."""
        index = len(self.tools)
        self.tools.append({"id": f"call_{index}", "name": name, "arguments": "".join(pieces)})
        for place, piece in enumerate(pieces):
            begins = {} if place else {"id": f"call_{index}", "name": name}
            self.tell("tool", index=index, **begins, arguments=piece)
        return self

    def result(self, reason: str | None = None, **other: Any) -> dict[str, Any]:
        """Return what the job's row keeps."""
        return {
            "model": "served",
            "vendor": "fake",
            "content": self.text,
            "finishReason": reason or ("tool_calls" if self.tools else "stop"),
            "tokens": TOKENS,
            "reasoning": self.reasoning,
            "toolCalls": self.tools,
            "usage": {"costNanoUsd": "12345"},
            "estimated": False,
            "attempts": [{"outcome": "served"}],
            "continued": False,
            **other,
        }

    def end(self, reason: str | None = None, **other: Any) -> list[Event]:
        """Return the whole stream of a job that succeeded."""
        job = {"result": self.result(reason, **other), "error": None}
        return [*self.events, self._last("succeeded", job)]

    def failed(self, code: str = "UPSTREAM_ERROR", status: str = "failed") -> list[Event]:
        """Return the whole stream of a job that did not."""
        job = {"result": None, "error": {"code": code, "message": "it broke"}}
        return [*self.events, self._last(status, job)]

    def snapshot(self) -> Event:
        """Return everything so far as one event, after which the stream goes on."""
        tools = [{"index": place, **tool} for place, tool in enumerate(self.tools)]
        self.tell("snapshot", text=self.text, reasoning=self.reasoning, tools=tools)
        return self.events[-1]

    def _last(self, status: str, job: dict[str, Any]) -> Event:
        seq = self.attempt * PER_ATTEMPT + END
        return {"seq": seq, "type": "end", "status": status, "job": job}


def answer_of(events: Sequence[Event]) -> Answer:
    """Return the answer at the end of a stream."""
    return Answer.of(JobRow(id=JOB, created_at=NOW, result=events[-1]["job"]["result"]))


def begun(attempt: int = 1) -> Flow:
    """Begin a flow as every run begins."""
    flow = Flow(attempt)
    if attempt > 1:
        flow.tell("restart", attempt=attempt)
    return flow.tell("status", status="running", attempt=attempt).served()


def thrown(seed: int) -> Flow:
    """Throw a flow: thinking, text and tools in order, noise between, sizes and signs at random."""
    dice = random.Random(seed)
    flow = begun()
    for say in (flow.think, flow.say):
        for _ in range(dice.randrange(4)):
            say("".join(dice.choices(WORDS, k=dice.randrange(1, 6))))
            if dice.random() < 0.3:
                flow.tell("progress", completed=1, total=2, percentage=50)
    for _ in range(dice.randrange(3)):
        whole = '{"q":"a \\"b\\" 🦭","n":[1,{}]}'
        cut = sorted(dice.sample(range(1, len(whole)), dice.randrange(4)))
        flow.use("look", *(whole[a:b] for a, b in zip([0, *cut], [*cut, None], strict=True)))
    return flow


def tangled(seed: int) -> list[Event]:
    """Throw events in any order an LLM might write them: text amid thinking, tools at once."""
    dice = random.Random(seed)
    flow = begun()
    waiting = {
        index: list("{}") if index else ['{"a"', ":1}"] for index in range(dice.randrange(4))
    }
    while len(flow.events) < 14 or any(waiting.values()):
        roll = dice.randrange(4)
        index = dice.randrange(4)
        if roll == 0:
            flow.say(dice.choice(WORDS))
        elif roll == 1:
            flow.think(dice.choice(WORDS))
        elif waiting.get(index):
            _piece(flow, index, waiting[index].pop(0))
    order = {tool["id"]: tool for tool in flow.tools}
    flow.tools = list(order.values())
    return flow.end()


def _piece(flow: Flow, index: int, arguments: str) -> None:
    known = next((tool for tool in flow.tools if tool["id"] == f"call_{index}"), None)
    begins = {} if known else {"id": f"call_{index}", "name": "look"}
    if known is None:
        flow.tools.append({"id": f"call_{index}", "name": "look", "arguments": arguments})
    else:
        known["arguments"] += arguments
    flow.tell("tool", index=index, **begins, arguments=arguments)


def told(wire: Wire, events: Sequence[Event], after: int | None = None, **body: Any) -> list[Frame]:
    """Return the frames that a client with this cursor is sent."""
    voice = wire.voice(call(**body), after)
    frames = [frame for event in events for frame in voice.hear(event)]
    return [frame for frame in frames if after is None or frame.number > after]


def texts(frames: Sequence[Frame]) -> list[str]:
    return [frame.text for frame in frames]


def data_of(frame: Frame | str) -> dict[str, Any]:
    """Read the JSON of a frame; nothing of one that has none."""
    text = frame if isinstance(frame, str) else frame.text
    data = text.splitlines()[-1].removeprefix("data: ")
    return json.loads(data) if data.startswith("{") else {}


def shown(data: dict[str, Any]) -> int | None:
    """Return the cursor that a client reads off a frame."""
    seq: int | None = data.get("sequence_number", data.get("x_ilm", {}).get("seq"))
    return seq


def content_of(frames: Sequence[Frame | str]) -> str:
    """Put the text together as a client does."""
    pieces = []
    for data in map(data_of, frames):
        delta = data.get("delta")
        if data.get("type") == "response.output_text.delta":
            pieces.append(data["delta"])
        elif data.get("type") == "content_block_delta":
            pieces.append(delta.get("text", ""))
        pieces += [choice["delta"].get("content") or "" for choice in data.get("choices", ())]
    return "".join(pieces)


def is_error(frame: Frame) -> bool:
    data = data_of(frame)
    return "error" in data or data.get("type") in {"error", "response.failed"}


def is_whole(frame: Frame) -> bool:
    """Say whether a frame tells the client that the answer is complete."""
    last = {"message_stop", "response.completed", "response.incomplete"}
    return frame.text == "data: [DONE]" or data_of(frame).get("type") in last
