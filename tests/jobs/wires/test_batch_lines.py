"""Lines of batches: what is asked in one, and what is written of it, for both vendors."""

import json
from typing import Any

import pytest
from anthropic.types.messages import MessageBatchIndividualResponse

from jobs.wires.batch_lines import (
    Line,
    answered,
    line_of,
    message_answered,
    message_line_of,
    message_refused,
    refused,
)
from jobs.wires.messages import Messages
from models.kernel.errors import (
    Cancelled,
    DeadlineExceeded,
    IlmError,
    Invalid,
    Malformed,
    UpstreamError,
)
from tests.jobs.wires.flows import answer_of, begun, call

LINE = Line(custom_id="one", wire="chat", body={"model": "m"})


def written(**fields: Any) -> str:
    usual = {"custom_id": "one", "method": "POST", "url": "/v1/chat/completions"}
    return json.dumps({**usual, "body": {"model": "m"}, **fields})


@pytest.mark.parametrize(
    ("url", "wire"),
    [
        ("/v1/chat/completions", "chat"),
        ("/v1/responses", "responses"),
        ("/v1/embeddings", "embeddings"),
    ],
)
def test_a_line_says_which_wire_it_is_of(url: str, wire: str) -> None:
    assert line_of(written(url=url)) == Line(custom_id="one", wire=wire, body={"model": "m"})


def test_a_request_of_anthropics_is_a_line_too() -> None:
    line = message_line_of({"custom_id": "one", "params": {"model": "m"}})

    assert line == Line(custom_id="one", wire="messages", body={"model": "m"})


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000])
def test_what_is_no_object_cannot_be_read(text: str) -> None:
    with pytest.raises(Malformed):
        line_of(text)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"custom_id": ""}, "custom_id"),
        ({"custom_id": 1}, "custom_id"),
        ({"method": "GET"}, "method"),
        ({"url": "/v1/files"}, "url"),
        ({"url": ["/v1/responses"]}, "url"),
        ({"body": None}, "body"),
        ({"body": "x"}, "body"),
        ({"body": {"model": "m", "stream": True}}, "body.stream"),
    ],
)
def test_a_field_that_is_wrong_is_named(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        line_of(written(**wrong))

    assert refusal.value.details[0].field == field


def test_an_answered_line_carries_its_body() -> None:
    assert answered(LINE, "req_ab", {"id": "x"}) == {
        "id": "batch_req_ab",
        "custom_id": "one",
        "response": {"status_code": 200, "request_id": "req_ab", "body": {"id": "x"}},
        "error": None,
    }


def test_a_line_that_failed_carries_the_error_its_call_would_have_had() -> None:
    line = refused(LINE, "req_ab", UpstreamError("it broke"))

    assert line["response"]["status_code"] == 502
    assert line["response"]["body"]["error"]["message"] == "it broke"
    assert line["error"] is None


@pytest.mark.parametrize(
    ("error", "code"), [(Cancelled(), "batch_cancelled"), (DeadlineExceeded(), "batch_expired")]
)
def test_a_line_that_never_ran_says_so(error: IlmError, code: str) -> None:
    line = refused(LINE, "req_ab", error)

    assert (line["response"], line["error"]["code"]) == (None, code)


@pytest.mark.parametrize(
    ("error", "kind"),
    [(Cancelled(), "canceled"), (DeadlineExceeded(), "expired"), (UpstreamError(), "errored")],
)
def test_a_result_of_anthropics_is_one_of_four(error: IlmError, kind: str) -> None:
    answer = answer_of(begun().say("a").end())
    good = message_answered(LINE, Messages().body_of(call(), answer))
    read = MessageBatchIndividualResponse.model_validate(message_refused(LINE, "req_1", error))

    assert (read.custom_id, read.result.type) == ("one", kind)
    assert MessageBatchIndividualResponse.model_validate(good).result.message.id.startswith("msg_")
