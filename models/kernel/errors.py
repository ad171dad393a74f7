"""The error family.

    IlmError
    ├── Refused            the caller must change something; the same call fails again
    │   ├── Invalid        a field is wrong (`details` names it)
    │   ├── Malformed      the request cannot be read at all
    │   ├── Unauthorized   no credentials, or wrong ones
    │   │   └── TokenExpired
    │   ├── Forbidden      known, but may not do this
    │   │   └── InsufficientPermissions
    │   ├── NotFound       not there, or not yours to know about
    │   │   ├── ResourceDeleted
    │   │   └── UnknownRoute
    │   ├── MethodNotAllowed
    │   ├── NotAcceptable
    │   ├── Conflict       contradicts what is there
    │   │   ├── DuplicateResource
    │   │   └── IdempotencyMismatch
    │   ├── PayloadTooLarge
    │   ├── UnsupportedMediaType
    │   ├── RateLimitExceeded
    │   ├── DocumentRefused   a document that no later try will open: …Encrypted, …Corrupt, …
    │   ├── ModelNotFound
    │   ├── UpstreamRefused   a vendor finds the request itself wrong
    │   │   └── ContextTooLong
    │   ├── ContentBlocked    the safety rules forbid it
    │   ├── ProviderKeyGone   the caller's own key was read already, or too late
    │   ├── Cancelled      the caller asked to stop
    │   ├── DeadlineExceeded
    │   └── Poisonous      the job took its worker down too often
    └── Unavailable        nothing is wrong with the call; a later try may help
        ├── UpstreamError
        │   ├── UpstreamRateLimited, UpstreamQuotaExceeded, UpstreamKeyRefused
        ├── UpstreamTimeout
        └── ModelNotAvailable

`code` finds status, words and retry advice in `catalogue/errors.toml`; only `api/problems.py`
knows HTTP. A message is written for the person who can act on it and holds no secret. Those who
are known and not let through all the same are in `denials.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Detail:
    """One field that is wrong, and what is wrong with it."""

    field: str
    message: str


class IlmError(Exception):
    """Anything Ilm says no with. `code` is its name in the catalogue."""

    code: ClassVar[str] = "INTERNAL_ERROR"

    def __init__(
        self,
        message: str | None = None,
        *,
        details: Sequence[Detail] = (),
        retry_after: float | None = None,
    ) -> None:
        """Keep the words (the catalogue's when none are given), the fields, the wait in seconds."""
        super().__init__(message or self.code)
        self.message = message
        self.details = tuple(details)
        self.retry_after = retry_after


class Refused(IlmError):
    """The same call would fail again: something has to change first."""

    code: ClassVar[str] = "INVALID_REQUEST"


class Unavailable(IlmError):
    """Nothing is wrong with the call; a later try may help. Queues retry this."""

    code: ClassVar[str] = "SERVICE_UNAVAILABLE"


class UpstreamError(Unavailable):
    """A service outside answered with a fault."""

    code: ClassVar[str] = "UPSTREAM_ERROR"


class UpstreamRateLimited(UpstreamError):
    """A vendor wants fewer calls; `retry_after` is its own word."""

    code: ClassVar[str] = "UPSTREAM_RATE_LIMITED"


class UpstreamQuotaExceeded(UpstreamError):
    """The account at the vendor is used up."""

    code: ClassVar[str] = "UPSTREAM_QUOTA_EXCEEDED"


class UpstreamKeyRefused(UpstreamError):
    """A vendor does not take the key, or not for this."""

    code: ClassVar[str] = "UPSTREAM_KEY_REFUSED"


class UpstreamTimeout(Unavailable):
    """A service outside did not answer in time."""

    code: ClassVar[str] = "UPSTREAM_TIMEOUT"


class ModelNotAvailable(Unavailable):
    """The LLM is known, and nobody here runs it or what may stand in for it."""

    code: ClassVar[str] = "model_not_available"


class Malformed(Refused):
    """The request cannot be read: not JSON, not UTF-8, a broken multipart body."""

    code: ClassVar[str] = "INVALID_REQUEST"


class Invalid(Refused):
    """A field is missing, unknown or wrong; `details` says which."""

    code: ClassVar[str] = "VALIDATION_ERROR"


class Unauthorized(Refused):
    """No credentials, or none that hold."""

    code: ClassVar[str] = "UNAUTHORIZED"


class TokenExpired(Unauthorized):
    """The access token was good once."""

    code: ClassVar[str] = "TOKEN_EXPIRED"


class Forbidden(Refused):
    """You may see this but not do that to it."""

    code: ClassVar[str] = "FORBIDDEN"


class InsufficientPermissions(Forbidden):
    """Your role or key does not carry the permission this route asks for."""

    code: ClassVar[str] = "INSUFFICIENT_PERMISSIONS"


class NotFound(Refused):
    """It is not there, or not yours to know about."""

    code: ClassVar[str] = "NOT_FOUND"


class UnknownRoute(NotFound):
    """No route has this path."""


class ResourceDeleted(NotFound):
    """It was there, and you could see it; it has been deleted."""

    code: ClassVar[str] = "RESOURCE_DELETED"


class MethodNotAllowed(Refused):
    """The path exists, the method on it does not."""

    code: ClassVar[str] = "METHOD_NOT_ALLOWED"


class NotAcceptable(Refused):
    """No representation matches the Accept header."""

    code: ClassVar[str] = "NOT_ACCEPTABLE"


class Conflict(Refused):
    """The request contradicts the present state."""

    code: ClassVar[str] = "CONFLICT"


class DuplicateResource(Conflict):
    """There is one like it already."""

    code: ClassVar[str] = "DUPLICATE_RESOURCE"


class IdempotencyMismatch(Conflict):
    """The Idempotency-Key was used for another request."""


class PayloadTooLarge(Refused):
    """The body is larger than this route takes."""

    code: ClassVar[str] = "PAYLOAD_TOO_LARGE"


class UnsupportedMediaType(Refused):
    """The body is of a kind this route does not take."""

    code: ClassVar[str] = "UNSUPPORTED_MEDIA_TYPE"


class RateLimitExceeded(Refused):
    """Too many tries in too short a time."""

    code: ClassVar[str] = "RATE_LIMIT_EXCEEDED"


class DocumentRefused(Refused):
    """A document that no later try will open."""

    code: ClassVar[str] = "DOCUMENT_CORRUPT"


class DocumentCorrupt(DocumentRefused):
    """The file is damaged, or not what its first bytes promise."""


class DocumentEncrypted(DocumentRefused):
    """The file wants a password, or carries DRM."""

    code: ClassVar[str] = "DOCUMENT_ENCRYPTED"


class DocumentEmpty(DocumentRefused):
    """The file opens and has no page."""

    code: ClassVar[str] = "DOCUMENT_EMPTY"


class DocumentTooLarge(DocumentRefused):
    """The file unfolds into more pages, pixels or bytes than the limits allow."""

    code: ClassVar[str] = "DOCUMENT_TOO_LARGE"


class ModelNotFound(Refused):
    """No LLM has this name."""

    code: ClassVar[str] = "model_not_found"


class UpstreamRefused(Refused):
    """A vendor finds the request itself wrong, in words of its own."""

    code: ClassVar[str] = "UPSTREAM_REFUSED"


class ContextTooLong(UpstreamRefused):
    """The conversation is longer than the LLM's window."""

    code: ClassVar[str] = "CONTEXT_TOO_LONG"


class ContentBlocked(Refused):
    """The safety rules forbid this content."""

    code: ClassVar[str] = "CONTENT_BLOCKED"


class ProviderKeyGone(Refused):
    """The caller's own key was read once already, or waited too long: send the call again."""

    code: ClassVar[str] = "PROVIDER_KEY_GONE"


class Cancelled(Refused):
    """The job was cancelled by its owner."""

    code: ClassVar[str] = "CANCELLED"


class DeadlineExceeded(Refused):
    """The job did not end before its deadline."""

    code: ClassVar[str] = "DEADLINE_EXCEEDED"


class Poisonous(Refused):
    """The job lost its worker too often to be tried again."""

    code: ClassVar[str] = "JOB_POISONOUS"
