"""Errors: every one there is has a shape on both wires, and the SDKs raise what they should."""

import anthropic
import openai
import pytest

from jobs.wires.errors import (
    anthropic_body,
    error_of,
    family,
    openai_body,
    openai_error,
    status_of,
)
from models.kernel import errors
from models.kernel.denials import PaymentRequired
from models.kernel.errors import Detail, IlmError
from tests.jobs.wires.loopback import Loopback

ALL = sorted(set(family()), key=lambda kind: kind.__name__)
EVERY = pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)

OPENAI_TYPES = {
    "invalid_request_error", "authentication_error", "permission_error", "insufficient_quota",
    "rate_limit_error", "server_error",
}  # fmt: skip
ANTHROPIC_TYPES = {
    "invalid_request_error", "authentication_error", "billing_error", "permission_error",
    "not_found_error", "request_too_large", "rate_limit_error", "api_error", "overloaded_error",
    "timeout_error",
}  # fmt: skip


@EVERY
def test_every_error_has_openais_shape(kind: type[IlmError]) -> None:
    error = openai_error(kind(details=[Detail("model", "is odd")]))

    assert error.keys() == {"message", "type", "param", "code"}
    assert error["type"] in OPENAI_TYPES
    assert (error["message"], error["param"]) == ("model: is odd", "model")
    assert error["code"] == error["code"].lower()


@EVERY
def test_every_error_has_anthropics_shape(kind: type[IlmError]) -> None:
    body = anthropic_body(kind("words"), "req_1")

    assert (body["type"], body["request_id"]) == ("error", "req_1")
    assert body["error"]["type"] in ANTHROPIC_TYPES
    assert body["error"]["message"] == "words"


@EVERY
def test_every_error_raises_by_its_status(
    kind: type[IlmError], client: openai.OpenAI, claude: anthropic.Anthropic, server: Loopback
) -> None:
    server.answers(openai_body(kind()), status_of(kind()))
    with pytest.raises(openai.APIStatusError) as theirs:
        client.models.list()
    assert theirs.value.code == openai_error(kind())["code"]

    server.answers(anthropic_body(kind()), status_of(kind()))
    with pytest.raises(anthropic.APIStatusError) as other:
        claude.models.list()
    assert other.value.status_code == status_of(kind())


@pytest.mark.parametrize(
    ("error", "openai_says", "anthropic_says"),
    [
        (errors.Invalid(), ("invalid_request_error", "validation_error"), "invalid_request_error"),
        (
            errors.Unauthorized(),
            ("authentication_error", "invalid_api_key"),
            "authentication_error",
        ),
        (PaymentRequired(), ("insufficient_quota", "insufficient_quota"), "billing_error"),
        (
            errors.Forbidden(),
            ("permission_error", "forbidden"),
            "permission_error",
        ),
        (errors.ModelNotFound(), ("invalid_request_error", "model_not_found"), "not_found_error"),
        (
            errors.RateLimitExceeded(),
            ("rate_limit_error", "rate_limit_exceeded"),
            "rate_limit_error",
        ),
        (
            errors.PayloadTooLarge(),
            ("invalid_request_error", "payload_too_large"),
            "request_too_large",
        ),
        (
            errors.ContextTooLong(),
            ("invalid_request_error", "context_length_exceeded"),
            "invalid_request_error",
        ),
        (errors.UpstreamError(), ("server_error", "upstream_error"), "api_error"),
        (errors.UpstreamTimeout(), ("server_error", "upstream_timeout"), "timeout_error"),
        (
            errors.ModelNotAvailable(),
            ("server_error", "model_not_available"),
            "overloaded_error",
        ),
        (IlmError(), ("server_error", "internal_error"), "api_error"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, IlmError) else "",
)
def test_an_error_is_named_as_each_vendor_would(
    error: IlmError, openai_says: tuple[str, str], anthropic_says: str
) -> None:
    theirs = openai_error(error)

    assert (theirs["type"], theirs["code"]) == openai_says
    assert anthropic_body(error)["error"]["type"] == anthropic_says


@EVERY
def test_an_error_that_a_row_keeps_is_read_again(kind: type[IlmError]) -> None:
    read = error_of("failed", {"code": kind.code, "message": "words"})

    assert (read.code, read.message) == (kind.code, "words")


@pytest.mark.parametrize(
    ("status", "kept", "code"),
    [
        ("cancelled", None, "CANCELLED"),
        ("cancelled", {"code": None, "message": ""}, "CANCELLED"),
        ("failed", None, "INTERNAL_ERROR"),
        ("failed", {"code": "OF_ANOTHER_RELEASE", "message": ""}, "INTERNAL_ERROR"),
    ],
)
def test_an_end_without_a_known_error_is_read_too(
    status: str, kept: dict[str, str | None] | None, code: str
) -> None:
    assert error_of(status, kept).code == code
