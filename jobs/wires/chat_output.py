"""Answers in the shape of OpenAI's Chat Completions: whole, and chunk by chunk.

No `id:` and no `retry:` line is ever sent, since they break the official clients: a chunk's number
stands in its `x_ilm`.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from jobs.llms.ask import Answer, ToolCall
from jobs.llms.provider import Tokens
from jobs.sayings import Saying
from jobs.wires.errors import openai_body
from jobs.wires.hearing import Hearing, Part, encoded, hex_of, seconds_of
from jobs.wires.wire import Call, Frame
from models.kernel.errors import IlmError


def chat_body(call: Call, answer: Answer) -> dict[str, Any]:
    """Write a whole answer."""
    choice = {
        "index": 0,
        "message": _message(answer),
        "logprobs": None,
        "finish_reason": answer.finish_reason,
    }
    return {
        "id": chat_id(call),
        "object": "chat.completion",
        "created": seconds_of(call),
        "model": answer.model,
        "choices": [choice],
        "usage": chat_usage(answer.tokens),
        "x_ilm": answer.x_ilm,
    }


def chat_id(call: Call) -> str:
    """Return the id of an answer."""
    return f"chatcmpl-{hex_of(call)}"


def chat_usage(tokens: Tokens) -> dict[str, Any]:
    """Write what a call used."""
    return {
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.input + tokens.output,
        "prompt_tokens_details": {
            "cached_tokens": tokens.cached,
            "cache_write_tokens": tokens.written + tokens.written_long,
        },
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning},
    }


def _message(answer: Answer) -> dict[str, Any]:
    calls = [_tool_call(call) for call in answer.tool_calls]
    return {
        "role": "assistant",
        "content": None if calls and not answer.content else answer.content,
        "refusal": None,
        **({"reasoning_content": answer.reasoning} if answer.reasoning else {}),
        **({"tool_calls": calls} if calls else {}),
    }


def _tool_call(call: ToolCall) -> dict[str, Any]:
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments},
    }


class ChatVoice(Hearing):
    """Tells a stream in chunks: one a piece, the first with the role."""

    def _telling(self, saying: Saying) -> Iterator[Part]:
        begins = {"role": "assistant", "content": None} if self._is_silent else {}
        yield self._chunk({**begins, **self._delta(saying)})

    def _delta(self, saying: Saying) -> dict[str, Any]:
        if saying.kind == "delta":
            return {"content": saying.text}
        if saying.kind == "reasoning":
            return {"reasoning_content": saying.text}
        places = list(self.said.tools)
        index = saying.index or 0
        if index in places:
            piece = {"index": places.index(index), "function": {"arguments": saying.text}}
            return {"tool_calls": [piece]}
        function = {"name": saying.name, "arguments": saying.text}
        begun = {"index": len(places), "id": saying.id, "type": "function", "function": function}
        return {"tool_calls": [begun]}

    def _closing(self, answer: Answer) -> Iterator[Part]:
        delta = {"role": "assistant"} if self._is_silent else {}
        if not (self.said.text or self.said.tools):
            delta["content"] = ""
        yield self._chunk(delta, answer.finish_reason) | {"x_ilm": answer.x_ilm}
        if self._wants_usage:
            yield self._chunk({}) | {"choices": [], "usage": chat_usage(answer.tokens)}

    def _chunk(self, delta: dict[str, Any], reason: str | None = None) -> Part:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return {
            "id": chat_id(self.call),
            "object": "chat.completion.chunk",
            "created": seconds_of(self.call),
            "model": self.model,
            "choices": [choice],
            **({"usage": None} if self._wants_usage else {}),
            "x_ilm": {"job_id": self.call.job_id},
        }

    @property
    def _wants_usage(self) -> bool:
        """Whether the client asked for a last chunk with the usage."""
        options = self.call.body.get("stream_options")
        return isinstance(options, dict) and options.get("include_usage") is True

    def _written(self, parts: Sequence[Part]) -> Sequence[Frame]:
        if parts:
            parts[-1]["x_ilm"]["seq"] = self.seq
        frames = [Frame(self.seq, f"data: {encoded(part)}") for part in parts]
        return [*frames, Frame(self.seq + 1, "data: [DONE]")] if self.has_ended else frames

    def _failed(self, error: IlmError) -> Sequence[Frame]:
        """Write the error alone: `[DONE]` would say that the answer is whole."""
        number = max(self.seq, self.after) + 1
        return [Frame(number, f"data: {encoded(openai_body(error))}")]
