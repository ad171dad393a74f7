"""An answer before it has a wire: what is said, in which pieces, and what it used."""

from dataclasses import dataclass
from hashlib import sha256
from random import Random
from typing import Any

from tests.fakes.vendor.meter import count_tokens, text_in
from tests.fakes.vendor.scripts import Script, Tool

WORDS = ("book", "page", "ilm", "naïve", "Übung", "書物", "كتاب", "walrus", "🦭", "sea", "library")


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A piece of a body. `tokens` are those it carries; a frame of content is a delta."""

    data: bytes
    tokens: int = 0
    is_content: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the vendor says to one request."""

    id: str
    model: str
    reasoning: list[str]
    pieces: list[str]
    tools: tuple[Tool, ...]
    reason: str
    input: int
    thought: int
    output: int
    script: Script

    @property
    def text(self) -> str:
        return "".join(self.pieces)


def answer_to(body: dict[str, Any], script: Script, number: int) -> Answer:
    """Return the answer to a request; the same for the same prompt."""
    prompt = text_in(body.get("system")) + text_in(body.get("messages"))
    pieces = _pieces(prompt, script)
    thought = [piece for piece in _split(script.reasoning) if piece]
    limit = body.get("max_completion_tokens") or body.get("max_tokens") or len(pieces) + 1
    reason = "tool_calls" if script.tools else "stop"
    kept, spent = list[str](), 0
    for piece in pieces:
        if spent + count_tokens(piece) > limit:
            reason = "length"
            break
        kept.append(piece)
        spent += count_tokens(piece)
    thinking = sum(count_tokens(piece) for piece in thought)
    called = sum(tokens for tool in script.tools for _, tokens in parts_of(tool))
    return Answer(
        id=f"fake-{number}",
        model=str(body.get("model", "")),
        reasoning=thought,
        pieces=kept,
        tools=script.tools,
        reason=script.finish or reason,
        input=count_tokens(prompt),
        thought=thinking,
        output=spent + thinking + called,
        script=script,
    )


def parts_of(tool: Tool) -> list[tuple[str, int]]:
    """Return a tool call's arguments in two parts, with the tokens of each; its name is one."""
    half = len(tool.arguments) // 2
    first, second = tool.arguments[:half], tool.arguments[half:]
    return [(first, count_tokens(first) + 1), (second, count_tokens(second))]


def _pieces(prompt: str, script: Script) -> list[str]:
    if script.text is not None:
        return _split(script.text)
    if script.tools:
        return []
    dice = Random(sha256(prompt.encode()).digest())
    return [f"{dice.choice(WORDS)} " for _ in range(script.deltas)]


def _split(text: str) -> list[str]:
    """Return a text word by word, the spaces with the word before."""
    words = text.split(" ")
    return [f"{word} " for word in words[:-1]] + [words[-1]] if text else []
