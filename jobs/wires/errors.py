"""Errors in the shapes of OpenAI and of Anthropic, so that their SDKs raise what they should."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from models.catalogue.reader import read
from models.kernel import errors
from models.kernel.errors import IlmError

OPENAI_TYPES: Final = {
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    429: "rate_limit_error",
}
OPENAI_CODES: Final = {
    "UNAUTHORIZED": "invalid_api_key",
    "TOKEN_EXPIRED": "invalid_api_key",
    "PAYMENT_REQUIRED": "insufficient_quota",
    "CONTEXT_TOO_LONG": "context_length_exceeded",
    "CONTENT_BLOCKED": "content_policy_violation",
}
"""Where OpenAI has a code of its own; the others are ours, in small letters."""

ANTHROPIC_TYPES: Final = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}

SERVER: Final = 500


def status_of(error: IlmError) -> int:
    """Return the HTTP status that the catalogue has for an error."""
    status: int = read("errors")[error.code]["status"]
    return status


def message_of(error: IlmError) -> str:
    """Return an error's own words: its message, its fields', or the catalogue's."""
    fields = "; ".join(f"{detail.field}: {detail.message}" for detail in error.details)
    usual: str = read("errors")[error.code]["message"]
    return error.message or fields or usual


def openai_error(error: IlmError) -> dict[str, Any]:
    """Write an error as OpenAI does; `param` is the first field that is wrong."""
    status = status_of(error)
    usual = "server_error" if status >= SERVER else "invalid_request_error"
    return {
        "message": message_of(error),
        "type": OPENAI_TYPES.get(status, usual),
        "param": error.details[0].field if error.details else None,
        "code": OPENAI_CODES.get(error.code, error.code.lower()),
    }


def openai_body(error: IlmError) -> dict[str, Any]:
    """Write the body of a failed call to OpenAI's wire."""
    return {"error": openai_error(error)}


def anthropic_body(error: IlmError, request_id: str | None = None) -> dict[str, Any]:
    """Write the body of a failed call to Anthropic's wire, or of a stream's `error` event."""
    status = status_of(error)
    usual = "api_error" if status >= SERVER else "invalid_request_error"
    return {
        "type": "error",
        "error": {"type": ANTHROPIC_TYPES.get(status, usual), "message": message_of(error)},
        "request_id": request_id,
    }


def error_of(status: str, kept: Mapping[str, str | None] | None) -> IlmError:
    """Return the error that ended a job: from its status, and from its `error {code, message}`."""
    if kept is None or kept["code"] is None:
        return errors.Cancelled() if status == "cancelled" else IlmError()
    of_code = (kind for kind in family() if kind.code == kept["code"])
    return next(of_code, IlmError)(kept["message"] or None)


def family(kind: type[IlmError] = IlmError) -> Iterator[type[IlmError]]:
    """Yield every kind of error, those nearer to the root first."""
    ranks = [kind]
    while ranks:
        yield from ranks
        ranks = [below for rank in ranks for below in rank.__subclasses__()]
