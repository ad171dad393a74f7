"""Bodies of Anthropic's wire: messages and errors."""

import json
from typing import Any

from tests.fakes.vendor.answers import Answer, Frame, parts_of
from tests.fakes.vendor.meter import count_tokens
from tests.fakes.vendor.scripts import Usage

REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}


def whole(answer: Answer) -> dict[str, Any]:
    """Return an unstreamed answer."""
    content: list[dict[str, Any]] = []
    if answer.reasoning:
        content.append({"type": "thinking", "thinking": "".join(answer.reasoning)})
    if answer.pieces:
        content.append({"type": "text", "text": answer.text})
    for tool in answer.tools:
        given = json.loads(tool.arguments)
        content.append({"type": "tool_use", "id": tool.id, "name": tool.name, "input": given})
    return _message(answer, content, _why(answer), _usage(answer, answer.output))


def frames(answer: Answer) -> list[Frame]:
    """Return a streamed answer, frame by frame."""
    start = _message(answer, [], None, _usage(answer, 1))
    told = [_event("message_start", message=start), _event("ping")]
    index = 0
    if answer.reasoning:
        told += _block(index, {"type": "thinking", "thinking": ""}, _thoughts(answer))
        index += 1
    if answer.pieces:
        told += _block(index, {"type": "text", "text": ""}, _texts(answer))
        index += 1
    for tool in answer.tools:
        block = {"type": "tool_use", "id": tool.id, "name": tool.name, "input": {}}
        deltas = [
            ({"type": "input_json_delta", "partial_json": part}, tokens)
            for part, tokens in parts_of(tool)
        ]
        told += _block(index, block, deltas)
        index += 1
    return [*told, *_tail(answer)]


def error(status: int, message: str) -> dict[str, Any]:
    """Return an error's body."""
    kinds = {
        400: "invalid_request_error",
        401: "authentication_error",
        402: "billing_error",
        429: "rate_limit_error",
        529: "overloaded_error",
    }
    return {"type": "error", "error": {"type": kinds.get(status, "api_error"), "message": message}}


def error_frame(body: dict[str, Any]) -> Frame:
    """Return an error in the middle of a stream."""
    return Frame(data=b"event: error\ndata: " + json.dumps(body).encode() + b"\n\n")


def _tail(answer: Answer) -> list[Frame]:
    usage = _usage(answer, answer.output)
    told = list[Frame]()
    if answer.script.usage is Usage.CUMULATIVE:
        half = {"output_tokens": answer.output // 2}
        told.append(_event("message_delta", delta={"stop_reason": None}, usage=half))
    delta = {"stop_reason": _why(answer), "stop_sequence": answer.script.stopped_by}
    told.append(_event("message_delta", delta=delta, usage=usage))
    return [*told, _event("message_stop")]


def _why(answer: Answer) -> str:
    if answer.script.stopped_by is not None:
        return "stop_sequence"
    return REASONS.get(answer.reason, answer.reason)


def _thoughts(answer: Answer) -> list[tuple[dict[str, Any], int]]:
    return [
        ({"type": "thinking_delta", "thinking": said}, count_tokens(said))
        for said in answer.reasoning
    ]


def _texts(answer: Answer) -> list[tuple[dict[str, Any], int]]:
    return [({"type": "text_delta", "text": said}, count_tokens(said)) for said in answer.pieces]


def _block(
    index: int, opened: dict[str, Any], deltas: list[tuple[dict[str, Any], int]]
) -> list[Frame]:
    return [
        _event("content_block_start", index=index, content_block=opened),
        *(
            _event("content_block_delta", tokens=tokens, index=index, delta=delta)
            for delta, tokens in deltas
        ),
        _event("content_block_stop", index=index),
    ]


def _event(name: str, *, tokens: int = 0, **fields: Any) -> Frame:
    written = json.dumps({"type": name, **fields}, ensure_ascii=False).encode()
    data = b"event: " + name.encode() + b"\ndata: " + written + b"\n\n"
    return Frame(data=data, tokens=tokens, is_content=name == "content_block_delta")


def _message(
    answer: Answer, content: list[dict[str, Any]], why: str | None, usage: dict[str, Any]
) -> dict[str, Any]:
    head = {"id": answer.id, "type": "message", "role": "assistant", "model": answer.model}
    sequence = answer.script.stopped_by if why else None
    stop = {"stop_reason": why, "stop_sequence": sequence}
    return {**head, "content": content, **stop, "usage": usage}


def _usage(answer: Answer, spent: int) -> dict[str, Any]:
    script = answer.script
    if script.usage is Usage.NONE:
        return {}
    if script.usage is Usage.WRONG:
        return {"input_tokens": -1, "output_tokens": "many"}
    cached, written = script.cached, script.written + script.written_long
    return {
        "input_tokens": max(0, answer.input - cached - written),
        "cache_read_input_tokens": cached,
        "cache_creation_input_tokens": written,
        "cache_creation": {
            "ephemeral_5m_input_tokens": script.written,
            "ephemeral_1h_input_tokens": script.written_long,
        },
        "output_tokens": spent,
    }
