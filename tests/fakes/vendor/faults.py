"""The answers that are refusals: what each fault looks like before a stream has begun."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from tests.fakes.vendor import chat, messages
from tests.fakes.vendor.scripts import Fault, Strike

HTML = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"

LONG_WORDS = "This model's maximum context length is 10 tokens; prompt is too long."


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A whole answer instead of the asked one. A body that is a text is no JSON."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


def refusal_of(strike: Strike, *, is_anthropic: bool) -> Refusal | None:
    """Return what a fault answers with, None for one that is no answer at all."""
    told = _STATUSES.get(strike.fault)
    if told is None:
        return None
    status, code, words = told
    if strike.fault is Fault.BAD_GATEWAY:
        return Refusal(status=status, body=HTML)
    return Refusal(
        status=status,
        body=error_body(status, code, words, is_anthropic=is_anthropic),
        headers=_waits(strike),
    )


def error_body(status: int, code: str, words: str, *, is_anthropic: bool) -> dict[str, Any]:
    """Return an error in the wire's own shape."""
    return messages.error(status, words) if is_anthropic else chat.error(status, code, words)


def _waits(strike: Strike) -> dict[str, str]:
    match strike.fault:
        case Fault.RATE_SECONDS:
            return {"Retry-After": f"{strike.seconds:g}"}
        case Fault.RATE_MS:
            return {"retry-after-ms": f"{strike.seconds * 1000:g}"}
        case Fault.RATE_DATE:
            until = datetime.now(UTC) + timedelta(seconds=strike.seconds)
            return {"Retry-After": format_datetime(until, usegmt=True)}
        case _:
            return {}


_RATE = (429, "rate_limit_exceeded", "Rate limit reached: too many requests.")
_STATUSES: dict[Fault, tuple[int, str, str]] = {
    Fault.RATE: _RATE,
    Fault.RATE_SECONDS: _RATE,
    Fault.RATE_MS: _RATE,
    Fault.RATE_DATE: _RATE,
    Fault.BROKEN: (500, "server_error", "The server had an error."),
    Fault.BAD_GATEWAY: (502, "", ""),
    Fault.OVERLOADED: (529, "overloaded", "Overloaded"),
    Fault.BAD_KEY: (401, "invalid_api_key", "Incorrect API key provided."),
    Fault.UNPAID: (402, "insufficient_balance", "Insufficient Balance"),
    Fault.NO_QUOTA: (429, "insufficient_quota", "You exceeded your current quota."),
    Fault.TOO_LONG: (400, "context_length_exceeded", LONG_WORDS),
    Fault.REFUSED: (400, "invalid_value", "Unsupported value: 'temperature' must be below 3."),
    Fault.ERROR_BODY: (200, "server_error", "The server had an error."),
}
