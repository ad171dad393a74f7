"""What went wrong at a vendor, in our words, with what to do about it (M-37).

A message never holds a key or a prompt: only where a vendor finds the request wrong are its own
words kept, trimmed and scrubbed.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final, Self

from models.kernel.errors import (
    ContextTooLong,
    IlmError,
    ModelNotAvailable,
    UpstreamError,
    UpstreamKeyRefused,
    UpstreamQuotaExceeded,
    UpstreamRateLimited,
    UpstreamRefused,
    UpstreamTimeout,
)
from workers.adapters.llms.scrubbing import Scrub
from workers.adapters.llms.shapes import mapping, text

OVERLOADED: Final = 529

_QUOTA: Final = re.compile(
    r"insufficient_quota|insufficient[ _]balance|billing_hard_limit|credit balance is too low"
    r"|exceeded your current quota|arrearage|out of credits|payment required",
    re.IGNORECASE,
)
_RATE: Final = re.compile(r"rate[ _-]?limit|too many requests|resource_exhausted", re.IGNORECASE)
_KEY: Final = re.compile(
    r"(?:invalid|incorrect|wrong|no valid)[ _]api[ _]?key|api[ _]?key[ _](?:not valid|invalid)"
    r"|authentication_error|invalid_authentication",
    re.IGNORECASE,
)
_LONG: Final = re.compile(
    r"context_length_exceeded|maximum context length|maximum prompt length|prompt is too long"
    r"|context window|input token count|range of input length|too many tokens"
    r"|input length and `max_tokens` exceed",
    re.IGNORECASE,
)
_GONE: Final = re.compile(r"model_not_found|not_found_error|model_decommissioned")
"""Codes that say the LLM is not, or no longer, there: the request may be right for another."""

_OURS_TO_MEND: Final = re.compile(r"invalid_request|request_too_large")
_ITS_OWN_FAULT: Final = frozenset({"tool_use_failed", "json_validate_failed"})
"""Codes of 400s that say the LLM wrote nonsense: the request is right, another try may help."""

_NUMBER: Final = re.compile(r"-?\d{1,9}(?:\.\d+)?")
_REFUSALS: Final = frozenset({400, 405, 413, 415, 422})
_TIMEOUTS: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.GATEWAY_TIMEOUT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """What a vendor said instead of an answer. `status` is 0 in the middle of a stream."""

    vendor: str
    status: int
    code: str
    words: str
    retry_after: float | None = None

    def after(self, seconds: float | None) -> Self:
        """Return it with the wait the vendor asks for."""
        return replace(self, retry_after=seconds)


def complaint_of(vendor: str, status: int, body: Any) -> Complaint:
    """Read an error body, whichever vendor's: an object, one in a list, a text, or HTML."""
    if isinstance(body, list) and body:
        body = body[0]
    error = mapping(body).get("error", body)
    said = mapping(error)
    codes = [said.get(name) for name in ("code", "type", "status")]
    numbers = [code for code in codes if isinstance(code, int) and not isinstance(code, bool)]
    texts = [code for code in codes if isinstance(code, str)]
    return Complaint(
        vendor=vendor,
        status=status or (numbers[0] if numbers else 0),
        code=" ".join(texts),
        words=text(said.get("message")) or text(error) or text(mapping(body).get("message")),
    )


def body_of(content: bytes) -> Any:
    """Return an error's body as JSON, nothing when it is none: a proxy's HTML says nothing."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def fault_of(said: Complaint, scrub: Scrub) -> IlmError:
    """Return the error a complaint amounts to."""
    all_said = f"{said.code} {said.words}"
    if said.status == HTTPStatus.PAYMENT_REQUIRED or _QUOTA.search(all_said):
        return _quota(said.vendor)
    if said.status == HTTPStatus.TOO_MANY_REQUESTS or (not said.status and _RATE.search(all_said)):
        return _rate(said.vendor, said.retry_after)
    if _is_about_the_key(said, all_said):
        return _key(said.vendor)
    if _is_about_the_llm(said):
        return _gone(said.vendor)
    return _refused(said, scrub) if _is_ours_to_mend(said, all_said) else _broken(said)


def wait_in(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds a vendor asks to wait: in milliseconds, seconds, or as a date."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        if _NUMBER.fullmatch(told := headers.get(name, "").strip()):
            return max(0.0, float(told) / unit)
    try:
        until = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds())


def _is_about_the_key(said: Complaint, all_said: str) -> bool:
    if said.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return True
    return said.status in {0, HTTPStatus.BAD_REQUEST} and _KEY.search(all_said) is not None


def _is_about_the_llm(said: Complaint) -> bool:
    if said.status == HTTPStatus.NOT_FOUND:
        return True
    return said.status in {0, HTTPStatus.BAD_REQUEST} and _GONE.search(said.code) is not None


def _is_ours_to_mend(said: Complaint, all_said: str) -> bool:
    """Say whether the request is wrong, and not what the LLM made of it."""
    if _ITS_OWN_FAULT & set(said.code.split()):
        return False
    if said.status:
        return said.status in _REFUSALS
    return bool(_OURS_TO_MEND.search(all_said) or _LONG.search(all_said))


def _quota(vendor: str) -> IlmError:
    return UpstreamQuotaExceeded(
        f"the account at {vendor} is used up: top it up there, or use another model"
    )


def _rate(vendor: str, retry_after: float | None) -> IlmError:
    return UpstreamRateLimited(
        f"{vendor} takes no more calls for now: try again later, or use another model",
        retry_after=retry_after,
    )


def _key(vendor: str) -> IlmError:
    return UpstreamKeyRefused(
        f"{vendor} does not take the key: check that it is right, active, and good for this model"
    )


def _gone(vendor: str) -> IlmError:
    return ModelNotAvailable(f"{vendor} does not know this model, or no more: use another one")


def _refused(said: Complaint, scrub: Scrub) -> IlmError:
    words = scrub(said.words) or f"status {said.status}"
    if _LONG.search(f"{said.code} {said.words}"):
        return ContextTooLong(
            f"the conversation is too long for this model ({said.vendor}: {words}): shorten it,"
            " ask for fewer tokens, or use a model with a larger window"
        )
    return UpstreamRefused(f"{said.vendor} refuses the request: {words}")


def _broken(said: Complaint) -> IlmError:
    if said.status in _TIMEOUTS:
        return UpstreamTimeout(f"{said.vendor} timed out; try again, or use another model")
    if said.status in {OVERLOADED, HTTPStatus.SERVICE_UNAVAILABLE} or "overloaded" in said.code:
        words = f"{said.vendor} is overloaded"
    elif said.status:
        words = f"{said.vendor} answered with status {said.status}"
    else:
        words = f"{said.vendor} broke its answer off with an error"
    return UpstreamError(f"{words}; try again, or use another model", retry_after=said.retry_after)
