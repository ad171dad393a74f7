"""One question and its answer, as every wire and a chat tell them: whole, and as a stream.

Nothing of it is written by hand: the wires themselves write it, from the events of one job.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, Final, Protocol

from api.examples.moments import FINISHED, NOW
from api.schemas.wire import example_id
from jobs.chats.voice import ChatVoice
from jobs.llms.ask import ERROR, Answer
from jobs.llms.costs import charge
from jobs.llms.outcomes import usage_body
from jobs.llms.provider import Tokens
from jobs.queue import job_body
from jobs.streams import END, PER_ATTEMPT
from jobs.wires.lists import page_of
from jobs.wires.responses_input import input_items_of
from jobs.wires.responses_output import cancelled_body, pending_body
from jobs.wires.wire import Call, Event, Frame
from jobs.wires.wires import CHAT, MESSAGES, RESPONSES, wire_named
from models.jobs import JobRow
from models.kernel.ids import parse_id
from models.llms import llms

LLM: Final = "gpt-4o-mini"
QUESTION: Final = "Where does The Voyage Out begin?"

ANSWER: Final = "It begins in London, near the Embankment."

_HALF: Final = 21
_PIECES: Final = (ANSWER[:_HALF], ANSWER[_HALF:])
_TOKENS: Final = Tokens(input=14, output=11)
_MESSAGES: Final = [{"role": "user", "content": QUESTION}]
_ASKED: Final[Mapping[str, Mapping[str, Any]]] = {
    CHAT: {"model": LLM, "messages": _MESSAGES},
    MESSAGES: {"model": LLM, "max_tokens": 100, "messages": _MESSAGES},
    RESPONSES: {"model": LLM, "input": QUESTION},
}


class Hears(Protocol):
    """What puts the events of a job into the frames of one client."""

    def hear(self, event: Event) -> Iterable[Frame]:
        """Return the frames of an event."""
        ...


def asked(wire: str, **more: Any) -> dict[str, Any]:
    """Return what is sent on a wire."""
    return {**_ASKED[wire], **more}


def answered(wire: str) -> dict[str, Any]:
    """Return the whole answer on a wire."""
    return wire_named(wire).body_of(_call(wire), Answer.of(_row()))


def streamed(wire: str) -> str:
    """Return the answer on a wire as a stream."""
    return _told(wire_named(wire).voice(_call(wire, stream=True)))


def streamed_in_chat() -> str:
    """Return the answer in a chat as a stream."""
    return _told(ChatVoice(example_id("msg"), example_id("job"), recovery=ERROR, after=None))


def queued_response() -> dict[str, Any]:
    """Return a response that runs in the background and has not begun."""
    return pending_body(_call(RESPONSES, background=True), "queued")


def cancelled_response() -> dict[str, Any]:
    """Return a response that was cancelled."""
    return cancelled_body(_call(RESPONSES, background=True))


def forgotten_response() -> dict[str, Any]:
    """Return what is left of a response that was deleted."""
    return {"id": answered(RESPONSES)["id"], "object": "response", "deleted": True}


def items_of_response() -> dict[str, Any]:
    """Return what a response was asked with."""
    return page_of(input_items_of(_call(RESPONSES)))


def _call(wire: str, **more: Any) -> Call:
    return Call(job_id=example_id("job"), created_at=NOW, body=asked(wire, **more))


def _row() -> JobRow:
    """Return the row of the job that answered."""
    llm = llms()[LLM]
    price = llm.price_on(NOW.date())
    result = {
        "model": LLM, "vendor": llm.vendor, "content": ANSWER, "reasoning": "",
        "toolCalls": [], "finishReason": "stop", "citations": [], "tokens": asdict(_TOKENS),
        "usage": usage_body(_TOKENS, charge(_TOKENS, price)), "estimated": False,
        "continued": False, "attempts": [{"model": LLM, "vendor": llm.vendor}],
    }  # fmt: skip
    return JobRow(
        id=parse_id("job", example_id("job")), type="llm.completion", state="succeeded", attempt=1,
        max_attempts=5, completed=0, total=0, result=result, created_at=NOW, started_at=NOW,
        finished_at=FINISHED,
    )  # fmt: skip


def _told(voice: Hears) -> str:
    """Return the frames of the whole answer."""
    frames = [frame.text for event in _events() for frame in voice.hear(event)]
    return "".join(f"{text}\n\n" for text in frames)


def _events() -> Iterable[Event]:
    """Yield what the job tells, from its beginning to its end."""
    row, seq = _row(), PER_ATTEMPT
    yield {"seq": 0, "type": "status", "status": "queued"}
    said = [
        {"type": "status", "status": "running"},
        {"type": "served", "vendor": row.result["vendor"], "model": LLM},
        *({"type": "delta", "text": piece} for piece in _PIECES),
    ]
    for place, event in enumerate(said, start=1):
        yield {"seq": seq + place, **event}
    yield {"seq": seq + END, "type": "end", "status": "succeeded", "job": job_body(row)}
