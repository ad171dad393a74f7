"""Context: what an LLM is given of a conversation, so that it fits its window (M-40).

Oldest messages go first, whole turns at a time. Where more than half of what was said would be
lost, what bears on the question is quoted from it: a summary that invents nothing and is free.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jobs.llms.counting import count_tokens, prompt_tokens, reserved
from jobs.llms.passages import Passage, best_passages
from jobs.llms.provider import Message, text_of
from models.chats import ASSISTANT, TOOL, USER
from models.chats import Message as Kept

SUMMARY_TOKENS: Final = 600
SUMMARY_PASSAGES: Final = 12
LONGEST_QUOTE: Final = 400
"""Characters of one quotation in a summary."""

EARLIER: Final = "Earlier in this conversation, shortened:"
SPEAKERS: Final = {USER: "User", ASSISTANT: "Assistant", TOOL: "Tool", "system": "System"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What is given of a conversation, and how many of its messages had to be left out."""

    history: tuple[Message, ...]
    left_out: int = 0
    summary: str | None = None

    def after(self, system: str | None, form: str | None = None) -> tuple[Message, ...]:
        """Return the messages in order: the chat's own instructions first, the summary next."""
        parts = (system, form, self.summary)
        told = tuple({"role": "system", "content": part} for part in parts if part)
        return (*told, *self.history)


def conversation(branch: Sequence[Kept]) -> tuple[Message, ...]:
    """Return a branch as LLMs read it: without answers that failed, or calls nobody answered."""
    answered = {str(row.tool_call_id) for row in branch if row.role == TOOL}
    told = (_message(row, answered) for row in branch)
    return tuple(message for message in told if message is not None)


def _message(row: Kept, answered: set[str]) -> Message | None:
    if row.role == TOOL:
        return {"role": TOOL, "tool_call_id": row.tool_call_id, "content": row.content}
    if row.role != ASSISTANT:
        return {"role": row.role, "content": row.content}
    calls = [call for call in row.tool_calls if call["id"] in answered]
    if not row.content and not calls:
        return None
    return {
        "role": ASSISTANT,
        "content": row.content,
        **({"tool_calls": [_call(call) for call in calls]} if calls else {}),
    }


def _call(call: Mapping[str, Any]) -> Mapping[str, Any]:
    function = {"name": call["name"], "arguments": call["arguments"]}
    return {"id": call["id"], "type": "function", "function": function}


def fitted(history: Sequence[Message], room: int) -> Context:
    """Return as much of a conversation as fits `room` tokens, with half as many again to spare.

    The last turn stays whatever its size: who plans the call refuses what is too long.
    """
    sizes = [reserved(prompt_tokens([message], {})) for message in history]
    if sum(sizes) <= room:
        return Context(history=tuple(history))
    start = _start(history, sizes, room)
    if 2 * sum(sizes[:start]) <= sum(sizes):
        return Context(history=tuple(history[start:]), left_out=start)
    spare = min(SUMMARY_TOKENS, room // 4)
    start = _start(history, sizes, room - reserved(spare))
    summary = summary_of(history[:start], _question(history), spare)
    return Context(history=tuple(history[start:]), left_out=start, summary=summary)


def _start(history: Sequence[Message], sizes: Sequence[int], room: int) -> int:
    """Return the first message that is kept: where a turn begins, the last one at least."""
    turns = [place for place, message in enumerate(history) if message["role"] == USER]
    last = turns[-1] if turns else 0
    fits = (place for place in turns if sum(sizes[place:]) <= room)
    return next(fits, last)


def _question(history: Sequence[Message]) -> str:
    return next((text_of(m) for m in reversed(history) if m["role"] == USER), "")


def summary_of(dropped: Sequence[Message], question: str, most: int) -> str:
    """Return at most so many tokens of quotations: what bears on the question, and how it began."""
    pages = [Passage(place, text_of(message)) for place, message in enumerate(dropped)]
    best = best_passages(pages, question, SUMMARY_PASSAGES)
    chosen: list[Passage] = []
    left = most - count_tokens(EARLIER)
    for passage in [*best, *_openings(dropped)]:
        line = Passage(passage.page, passage.text[:LONGEST_QUOTE])
        cost = count_tokens(line.text) + 3
        if line not in chosen and cost <= left:
            chosen.append(line)
            left -= cost
    chosen.sort(key=lambda line: line.page)
    lines = [f"{SPEAKERS[dropped[line.page]['role']]}: {line.text}" for line in chosen]
    return "\n".join([EARLIER, *lines])


def _openings(dropped: Sequence[Message]) -> Iterator[Passage]:
    """Yield how each message of the user begins, the latest first."""
    for place in reversed(range(len(dropped))):
        if dropped[place]["role"] == USER:
            yield Passage(place, text_of(dropped[place]).strip().partition("\n")[0])
