"""Lines of batches: what is asked in one, and how its answer or its error is written (XC-02)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from jobs.wires.errors import anthropic_body, openai_body, status_of
from jobs.wires.fields import choice, fault, mapping, text
from jobs.wires.wire import Body
from jobs.wires.wires import CHAT, MESSAGES, RESPONSES
from models.kernel.errors import Cancelled, DeadlineExceeded, IlmError, Malformed

EMBEDDINGS: Final = "embeddings"
URLS: Final = {
    "/v1/chat/completions": CHAT,
    "/v1/responses": RESPONSES,
    "/v1/embeddings": EMBEDDINGS,
}
"""What a line of OpenAI's may ask for: by its `url`, the name of the wire."""

NEVER_RUN: Final = {Cancelled.code: "batch_cancelled", DeadlineExceeded.code: "batch_expired"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One call of a batch. `custom_id` is its sender's name for it, `wire` what it speaks."""

    custom_id: str
    wire: str
    body: Body


def line_of(written: str) -> Line:
    """Read a line of OpenAI's; raise `Malformed` for no JSON, `Invalid` for a wrong field."""
    try:
        fields = json.loads(written)
    except (ValueError, RecursionError) as error:
        raise Malformed("the line is not JSON") from error
    if not isinstance(fields, dict):
        raise Malformed("the line is not a JSON object")
    choice(fields, "method", ("POST",))
    return _line(fields, URLS[choice(fields, "url", URLS)], "body")


def message_line_of(request: Mapping[str, Any]) -> Line:
    """Read one request of a batch of Anthropic's; raise `Invalid` for a wrong field."""
    return _line(request, MESSAGES, "params")


def _line(fields: Mapping[str, Any], wire: str, body: str) -> Line:
    asked = mapping(fields, body)
    if not asked:
        raise fault(body, "must be an object, and not empty")
    if asked.get("stream"):
        raise fault(f"{body}.stream", "must not be true in a batch")
    return Line(custom_id=text(fields, "custom_id"), wire=wire, body=asked)


def answered(line: Line, request_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Write a line of OpenAI's output file; `request_id` is of the line's own job."""
    return _written(line, request_id, 200, body)


def refused(line: Line, request_id: str, error: IlmError) -> dict[str, Any]:
    """Write a line of OpenAI's error file: of a call that failed, or was never made."""
    if error.code not in NEVER_RUN:
        return _written(line, request_id, status_of(error), openai_body(error))
    words = {"code": NEVER_RUN[error.code], "message": "this line was not run"}
    return {"id": _id(request_id), "custom_id": line.custom_id, "response": None, "error": words}


def message_answered(line: Line, body: Mapping[str, Any]) -> dict[str, Any]:
    """Write a result of Anthropic's."""
    return {"custom_id": line.custom_id, "result": {"type": "succeeded", "message": body}}


def message_refused(line: Line, request_id: str, error: IlmError) -> dict[str, Any]:
    """Write a result of Anthropic's for a call that failed, or was never made."""
    if isinstance(error, Cancelled):
        result: dict[str, Any] = {"type": "canceled"}
    elif isinstance(error, DeadlineExceeded):
        result = {"type": "expired"}
    else:
        result = {"type": "errored", "error": anthropic_body(error, request_id)}
    return {"custom_id": line.custom_id, "result": result}


def _written(line: Line, request_id: str, status: int, body: Mapping[str, Any]) -> dict[str, Any]:
    response = {"status_code": status, "request_id": request_id, "body": body}
    return {
        "id": _id(request_id),
        "custom_id": line.custom_id,
        "response": response,
        "error": None,
    }


def _id(request_id: str) -> str:
    """Return the id of a line of output: made of the request's."""
    return f"batch_req_{request_id.partition('_')[2] or request_id}"
