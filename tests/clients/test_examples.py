"""What the reference shows of the wires, read by the types of the vendors' own SDKs (DX-02)."""

import json
from collections.abc import Callable
from typing import Any, Final

import pytest
from anthropic.types import Message, MessageTokensCount, RawMessageStreamEvent
from anthropic.types.messages import (
    DeletedMessageBatch,
    MessageBatch,
    MessageBatchIndividualResponse,
)
from openai.types import (
    Batch,
    CreateEmbeddingResponse,
    FileDeleted,
    FileObject,
    Model,
    ModerationCreateResponse,
)
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from api.endpoints import EVENT_STREAM
from api.examples.calls import ANSWER
from tests.reference import FOLDER

PATHS: Final = json.loads((FOLDER / "openapi.json").read_text(encoding="utf-8"))["paths"]
BODIES: Final[dict[str, Any]] = {
    "POST /v1/chat/completions": ChatCompletion,
    "GET /v1/chat/completions/{answer}": ChatCompletion,
    "POST /v1/messages": Message,
    "GET /v1/messages/{answer}": Message,
    "POST /v1/messages/count_tokens": MessageTokensCount,
    "POST /v1/responses": Response,
    "GET /v1/responses/{answer}": Response,
    "POST /v1/responses/{answer}/cancel": Response,
    "POST /v1/embeddings": CreateEmbeddingResponse,
    "POST /v1/moderations": ModerationCreateResponse,
    "GET /v1/models/{name}": Model,
    "POST /v1/files": FileObject,
    "GET /v1/files/{file_id}": FileObject,
    "DELETE /v1/files/{file_id}": FileDeleted,
    "POST /v1/batches": Batch,
    "GET /v1/batches/{batch_id}": Batch,
    "POST /v1/batches/{batch_id}/cancel": Batch,
    "POST /v1/messages/batches": MessageBatch,
    "GET /v1/messages/batches/{batch_id}": MessageBatch,
    "POST /v1/messages/batches/{batch_id}/cancel": MessageBatch,
    "DELETE /v1/messages/batches/{batch_id}": DeletedMessageBatch,
}
LISTS: Final[dict[str, Any]] = {
    "GET /v1/models": Model,
    "GET /v1/files": FileObject,
    "GET /v1/batches": Batch,
    "GET /v1/messages/batches": MessageBatch,
}
STREAMS: Final[dict[str, tuple[Any, Callable[[Any], str | None]]]] = {
    "/v1/chat/completions": (ChatCompletionChunk, lambda event: event.choices[0].delta.content),
    "/v1/messages": (
        RawMessageStreamEvent,
        lambda event: event.delta.text if event.type == "content_block_delta" else None,
    ),
    "/v1/responses": (
        ResponseStreamEvent,
        lambda event: event.delta if event.type == "response.output_text.delta" else None,
    ),
}


def content_of(name: str) -> dict[str, Any]:
    """Return what an operation answers, by its type."""
    method, path = name.split(" ")
    told: dict[str, Any] = PATHS[path][method.lower()]["responses"]["200"]["content"]
    return told


@pytest.mark.parametrize("name", BODIES)
def test_an_answer_is_one_of_the_vendors(name: str) -> None:
    shown = content_of(name)["application/json"]["example"]

    TypeAdapter(BODIES[name]).validate_python(shown)


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_one_of_the_vendors(name: str) -> None:
    shown = content_of(name)["application/json"]["example"]

    (entry,) = shown["data"]
    TypeAdapter(LISTS[name]).validate_python(entry)
    assert (shown["first_id"], shown["last_id"]) == (entry["id"], entry["id"])


@pytest.mark.parametrize("path", STREAMS)
def test_a_stream_says_what_the_whole_answer_says(path: str) -> None:
    kind, said = STREAMS[path]
    stream = content_of(f"POST {path}")[EVENT_STREAM]["example"]

    lines = [line.removeprefix("data: ") for line in stream.split("\n") if line.startswith("data:")]
    events = [TypeAdapter(kind).validate_json(line) for line in lines if line != "[DONE]"]

    assert "".join(said(event) or "" for event in events) == ANSWER


def test_a_line_of_results_is_one_of_anthropics() -> None:
    shown = content_of("GET /v1/messages/batches/{batch_id}/results")["application/x-jsonl"]

    for line in shown["example"].splitlines():
        TypeAdapter(MessageBatchIndividualResponse).validate_json(line)
