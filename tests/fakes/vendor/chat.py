"""Bodies of OpenAI's wire: chat completions, embeddings, moderations, models, errors."""

import json
from base64 import b64encode
from hashlib import sha256
from random import Random
from struct import pack
from typing import Any

from tests.fakes.vendor.answers import Answer, Frame, parts_of
from tests.fakes.vendor.meter import count_tokens
from tests.fakes.vendor.scripts import Usage

DONE = Frame(data=b"data: [DONE]\n\n")


def whole(answer: Answer) -> dict[str, Any]:
    """Return an unstreamed answer."""
    message: dict[str, Any] = {"role": "assistant", "content": answer.text or None}
    if answer.reasoning:
        message["reasoning_content"] = "".join(answer.reasoning)
    if answer.tools:
        message["tool_calls"] = [
            {
                "id": tool.id,
                "type": "function",
                "function": {"name": tool.name, "arguments": tool.arguments},
            }
            for tool in answer.tools
        ]
    choice = {"index": 0, "message": message, "finish_reason": answer.reason}
    body = {"id": answer.id, "object": "chat.completion", "created": 0, "model": answer.model}
    usage = _usage(answer, answer.output)
    return {**body, "choices": [choice], **({"usage": usage} if usage else {})}


def frames(answer: Answer, body: dict[str, Any]) -> list[Frame]:
    """Return a streamed answer, frame by frame."""
    kind, spent = answer.script.usage, 0
    told = [_frame(answer, {"role": "assistant", "content": ""})]
    for delta, tokens in _deltas(answer):
        spent += tokens
        usage = _usage(answer, spent) if kind is Usage.CUMULATIVE else None
        told.append(_frame(answer, delta, tokens=tokens, is_content=True, usage=usage))
    asked = bool((body.get("stream_options") or {}).get("include_usage"))
    usage = _usage(answer, answer.output)
    if kind is Usage.CUMULATIVE:
        told.append(_frame(answer, {}, reason=answer.reason, usage=usage))
        return [*told, DONE]
    told.append(_frame(answer, {}, reason=answer.reason))
    if kind is Usage.WITH_CHOICES:
        told.append(_frame(answer, {"role": "assistant", "content": ""}, usage=usage))
    elif usage is not None and asked:
        told.append(_event({**_head(answer), "choices": [], "usage": usage}))
    return [*told, DONE]


def error(status: int, code: str, message: str) -> dict[str, Any]:
    """Return an error's body."""
    kinds = {401: "invalid_request_error", 429: "rate_limit_error", 400: "invalid_request_error"}
    kind = kinds.get(status, "server_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def error_frame(body: dict[str, Any]) -> Frame:
    """Return an error in the middle of a stream."""
    return Frame(data=b"data: " + json.dumps(body).encode() + b"\n\n")


def embeddings(body: dict[str, Any]) -> dict[str, Any]:
    """Return vectors that depend on the texts alone."""
    given = body.get("input", [])
    texts = [given] if isinstance(given, str) else given
    size = body.get("dimensions") or 8
    in_base64 = body.get("encoding_format") == "base64"
    data = []
    for index, text in enumerate(texts):
        dice = Random(sha256(str(text).encode()).digest())
        vector = [dice.uniform(-1, 1) for _ in range(size)]
        written = b64encode(pack(f"<{size}f", *vector)).decode() if in_base64 else vector
        data.append({"object": "embedding", "index": index, "embedding": written})
    spent = sum(count_tokens(str(text)) for text in texts)
    usage = {"prompt_tokens": spent, "total_tokens": spent}
    return {"object": "list", "data": data, "model": body.get("model"), "usage": usage}


def moderations(body: dict[str, Any]) -> dict[str, Any]:
    """Flag every text with the word "kill" in it."""
    given = body.get("input", "")
    texts = given if isinstance(given, list) else [given]
    results = []
    for text in texts:
        is_bad = "kill" in str(text).casefold()
        score = 0.98 if is_bad else 0.01
        results.append(
            {
                "flagged": is_bad,
                "categories": {"violence": is_bad, "hate": False, "self-harm": False},
                "category_scores": {"violence": score, "hate": 0.01, "self-harm": 0.01},
            }
        )
    return {"id": "modr-fake", "model": body.get("model", "fake"), "results": results}


def models(names: list[str]) -> dict[str, Any]:
    """Return the list of models."""
    data = [{"id": name, "object": "model", "created": 0, "owned_by": "fake"} for name in names]
    return {"object": "list", "data": data}


def _deltas(answer: Answer) -> list[tuple[dict[str, Any], int]]:
    thought = [({"reasoning_content": said}, count_tokens(said)) for said in answer.reasoning]
    said = [({"content": piece}, count_tokens(piece)) for piece in answer.pieces]
    called = list[tuple[dict[str, Any], int]]()
    for index, tool in enumerate(answer.tools):
        function = {"name": tool.name, "arguments": ""}
        head = {"index": index, "id": tool.id, "type": "function", "function": function}
        called.append(({"tool_calls": [head]}, 0))
        for part, tokens in parts_of(tool):
            piece = {"index": index, "function": {"arguments": part}}
            called.append(({"tool_calls": [piece]}, tokens))
    return [*thought, *said, *called]


def _head(answer: Answer) -> dict[str, Any]:
    return {
        "id": answer.id,
        "object": "chat.completion.chunk",
        "created": 0,
        "model": answer.model,
    }


def _frame(
    answer: Answer,
    delta: dict[str, Any],
    *,
    reason: str | None = None,
    usage: dict[str, Any] | None = None,
    tokens: int = 0,
    is_content: bool = False,
) -> Frame:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    chunk = {**_head(answer), "choices": [choice], **({"usage": usage} if usage else {})}
    return _event(chunk, tokens=tokens, is_content=is_content)


def _event(chunk: dict[str, Any], *, tokens: int = 0, is_content: bool = False) -> Frame:
    written = json.dumps(chunk, ensure_ascii=False, separators=(",", ":")).encode()
    return Frame(data=b"data: " + written + b"\n\n", tokens=tokens, is_content=is_content)


def _usage(answer: Answer, spent: int) -> dict[str, Any] | None:
    kind = answer.script.usage
    if kind is Usage.NONE:
        return None
    if kind is Usage.WRONG:
        return {"prompt_tokens": -1, "completion_tokens": "many", "total_tokens": None}
    return {
        "prompt_tokens": answer.input,
        "completion_tokens": spent,
        "total_tokens": answer.input + spent,
        "prompt_tokens_details": {"cached_tokens": answer.script.cached},
        "completion_tokens_details": {"reasoning_tokens": min(answer.thought, spent)},
    }
