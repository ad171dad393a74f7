"""Reading an OpenAI-shaped answer, streamed or whole, whichever vendor bent the shape."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import httpx2

from jobs.llms.provider import Counted, Delta, Finish, Piece, Reasoning, Tokens, ToolDelta
from models.kernel.errors import UpstreamError
from workers.adapters.llms.asking import FOREIGN, Teller, drain
from workers.adapters.llms.calls import Call
from workers.adapters.llms.events import Event, events, fields_of
from workers.adapters.llms.shapes import count, mapping, mappings, text
from workers.adapters.llms.usage import chat_tokens

DONE: Final = b"[DONE]"

REASONS: Final[Mapping[str, str]] = {
    "stop": "stop", "eos": "stop", "end_turn": "stop", "stop_sequence": "stop", "complete": "stop",
    "length": "length", "max_tokens": "length", "model_length": "length",
    "tool_calls": "tool_calls", "tool_use": "tool_calls", "function_call": "tool_calls",
    "content_filter": "content_filter", "safety": "content_filter", "refusal": "content_filter",
    "recitation": "content_filter", "sensitive": "content_filter",
}  # fmt: skip
"""Why answers end, in vendors' words and ours. Any other word is a fault: half an answer."""


class ToolIndexes:
    """Numbers tool calls where a vendor does not, or calls each of them the first (Gemini)."""

    def __init__(self) -> None:
        """Know no call yet."""
        self.calls = 0
        self._now: dict[int, tuple[int, str]] = {}

    def piece(self, given: Mapping[str, Any]) -> ToolDelta:
        """Return the piece; its id and name with the first of each call alone."""
        function = mapping(given.get("function"))
        told, arguments = text(given.get("id")), _arguments(function.get("arguments"))
        place = count(given.get("index")) or 0
        index, known = self._now.get(place, (-1, ""))
        if index >= 0 and (not told or told == known):
            return ToolDelta(index, arguments)
        index, self.calls = self.calls, self.calls + 1
        self._now[place] = (index, told)
        return ToolDelta(
            index, arguments, id=told or f"call_{index}", name=text(function.get("name"))
        )


class ChatAnswer:
    """One answer being read."""

    def __init__(self, call: Call, teller: Teller) -> None:
        """Have read nothing yet."""
        self._call = call
        self._teller = teller
        self._thinks_beside = bool(teller.vendor.quirks.get("thinks_beside"))
        self._tools = ToolIndexes()
        self._reason = ""
        self._tokens: Tokens | None = None

    def read(self, answer: httpx2.Response) -> Iterator[Piece]:
        """Yield the pieces of an answer, and its end.

        Raises `UpstreamError` for one that ends without saying why, or with an error.
        """
        if "json" in answer.headers.get("content-type", ""):
            yield from self._pieces(_as_chunk(fields_of(answer.read())))
        else:
            yield from self._streamed(answer.iter_bytes())
        if not self._reason:
            raise self._teller.cut()
        yield Finish(self._reason, self._tokens)

    def _streamed(self, chunks: Iterator[bytes]) -> Iterator[Piece]:
        coming = events(chunks)
        while (chunk := self._next(coming)) is not None:
            yield from self._pieces(chunk)
        if self._reason:
            drain(self._call, chunks)

    def _next(self, coming: Iterator[Event]) -> Mapping[str, Any] | None:
        """Return the next chunk, None at the end; an answer that is whole no fault can undo."""
        try:
            event = next(coming, None)
            if event is None or event.data.startswith(DONE):
                return None
            return event.fields()
        except (*FOREIGN, UpstreamError):
            if not self._reason:
                raise
            return None

    def _pieces(self, chunk: Mapping[str, Any]) -> Iterator[Piece]:
        groq = mapping(chunk.get("x_groq"))
        if error := chunk.get("error") or groq.get("error"):
            raise self._teller.fault_in({"error": error})
        for choice in mappings(chunk.get("choices"))[:1]:
            yield from self._said(mapping(choice.get("delta")))
            if reason := text(choice.get("finish_reason")):
                self._reason = self._why(reason)
        usage = mapping(chunk.get("usage") or groq.get("usage"))
        tokens = chat_tokens(usage, thinks_beside=self._thinks_beside)
        if tokens is not None:
            self._tokens = tokens
            yield Counted(tokens)

    def _said(self, delta: Mapping[str, Any]) -> Iterator[Piece]:
        thought = text(delta.get("reasoning_content")) or text(delta.get("reasoning"))
        if thought:
            yield Reasoning(thought)
        for part in _parts(delta.get("content")):
            if part.get("type") == "thinking":
                thought = "".join(text(said.get("text")) for said in _parts(part.get("thinking")))
                if thought:
                    yield Reasoning(thought)
            elif said := text(part.get("text")):
                yield Delta(said)
        if refusal := text(delta.get("refusal")):
            yield Delta(refusal)
        for given in mappings(delta.get("tool_calls")):
            yield self._tools.piece(given)

    def _why(self, told: str) -> str:
        reason = REASONS.get(told.casefold().partition(":")[0])
        if reason is None:
            raise UpstreamError(
                f"{self._teller.vendor.title} broke its answer off; try again, or use another model"
            )
        return "tool_calls" if reason == "stop" and self._tools.calls else reason


def _parts(content: Any) -> list[Mapping[str, Any]]:
    """Return content as its parts; a plain text is one."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return list(mappings(content))


def _arguments(given: Any) -> str:
    """Return a call's arguments as JSON text; some hosts send the object itself."""
    return json.dumps(given) if isinstance(given, Mapping) else text(given)


def _as_chunk(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a whole answer as if it had come in one piece: some hosts do not stream."""
    choices = mappings(body.get("choices"))
    return {**body, "choices": [{**choice, "delta": choice.get("message")} for choice in choices]}
