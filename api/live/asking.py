"""Asking: a request on a wire becomes a job, with its plan, its hold and its way to recover."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from falcon.asgi import Request

from api.idempotency import idempotency_key
from jobs.audience import Audience
from jobs.llms.admission import Admission
from jobs.llms.ask import BUFFER, CONTINUE, ERROR
from jobs.llms.calls import WireCall
from jobs.llms.own_keys import OwnKey
from jobs.llms.provider import Message
from jobs.queue import Queue, Sender, Wishes
from models.idempotency import HOURS, fingerprint
from models.jobs import JobRow
from models.kernel.database import database
from models.kernel.errors import Detail, Invalid

RECOVERY: Final = "X-Ilm-Recovery"
FALLBACK: Final = "X-Ilm-Fallback"
ON_DISCONNECT: Final = "X-Ilm-On-Disconnect"
OWN_KEY: Final = "X-Ilm-Provider-Key"
OWN_VENDOR: Final = "X-Ilm-Provider"
RETRY_COUNT: Final = "x-stainless-retry-count"
RECOVERIES: Final = (ERROR, CONTINUE, BUFFER)
KEPT_GOING: Final = "continue"
CANCELLED: Final = "cancel"

_KNOWN: Final = """
select job_id from idempotency_key
where account_id = %s and mode = %s and key = %s and fingerprint = %s and job_id is not null
  and created_at >= now() - make_interval(hours => %s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request on a wire asks for: its body, what it goes on from, whether it may wait."""

    wire: str
    body: Mapping[str, Any]
    earlier: Sequence[Message] = ()
    is_background: bool = False


class Asking:
    """Turns requests into jobs. Every method runs in the pool."""

    def __init__(
        self,
        queue: Queue,
        audience: Audience,
        admission: Admission,
    ) -> None:
        """Take where jobs go, who remembers requests, and who admits questions."""
        self._queue = queue
        self._audience = audience
        self._admission = admission

    def submit(self, req: Request, asked: Asked) -> JobRow:
        """Accept a call, or return the one that this request repeats.

        Raises what `Admission.admit` and `Queue.put` raise, and `Invalid` for a bad header.
        """
        principal = req.context.principal
        key = idempotency_key(req)
        wanted = fingerprint(req.method, req.path, req.context.given)
        repeated = self._repeated(req, wanted) or self._known(req, key, wanted)
        if repeated is not None:
            return repeated
        sender = Sender(principal.account_id, principal.mode, req.context.request_id)
        wishes = Wishes(idempotency_key=key, fingerprint=wanted if key else None)
        row = self._queue.put(self._job(req, asked, has_key=key is not None), sender, wishes)
        self._audience.remember(_credential(req), wanted, row.id)
        return row

    def _job(self, req: Request, asked: Asked, *, has_key: bool) -> WireCall:
        principal, own = req.context.principal, own_key_of(req)
        job = WireCall(
            wire=asked.wire,
            body=asked.body,
            plan={},
            earlier=tuple(asked.earlier),
            recovery=header_of(req, RECOVERY, RECOVERIES, ERROR),
            reruns=(has_key or asked.is_background) and own is None,
        )
        falls_back = header_of(req, FALLBACK, ("on", "off"), "on") == "on"
        admitted = self._admission.admit(job.ask_with(falls_back=falls_back), principal, own)
        return replace(job, **admitted.fields)

    def _known(self, req: Request, key: str | None, wanted: bytes) -> JobRow | None:
        """Return the call that an Idempotency-Key has made: it is admitted once, key and all."""
        principal = req.context.principal
        place = (principal.account_id, principal.mode, key)
        rows = database.rows(_KNOWN, (*place, wanted, HOURS)) if key else []
        return JobRow.get_or_none(JobRow.id == rows[0][0]) if rows else None

    def _repeated(self, req: Request, wanted: bytes) -> JobRow | None:
        """Return the call that an SDK's own retry repeats, unless that has failed."""
        if not (req.get_header(RETRY_COUNT) or "0").strip("0 "):
            return None
        job_id = self._audience.recall(_credential(req), wanted)
        row: JobRow | None = JobRow.get_or_none(JobRow.id == job_id) if job_id else None
        has_failed = row is not None and row.is_over and row.state != "succeeded"
        return None if has_failed else row


def own_key_of(req: Request) -> OwnKey | None:
    """Return the key of the caller's own that a request brings; raise `Invalid` for an odd one."""
    secret = req.get_header(OWN_KEY)
    if secret is None:
        return None
    vendor = req.get_header(OWN_VENDOR)
    return OwnKey(secret=secret, vendor=vendor and vendor.strip().lower())


def cancels_on_disconnect(req: Request, *, is_kept: bool) -> bool:
    """Say whether a client that hangs up ends its call: by header or query, else unless kept."""
    usual = KEPT_GOING if is_kept else CANCELLED
    asked = req.get_param("on_disconnect") or req.get_header(ON_DISCONNECT) or usual
    if asked not in {KEPT_GOING, CANCELLED}:
        raise Invalid(details=[Detail("on_disconnect", "Must be continue or cancel.")])
    return asked == CANCELLED


def header_of(req: Request, name: str, allowed: Sequence[str], usual: str) -> str:
    """Return a header's value, one of those allowed; raise `Invalid` for another."""
    value: str = (req.get_header(name) or usual).strip().lower()
    if value not in allowed:
        raise Invalid(details=[Detail(name, f"Must be one of: {', '.join(allowed)}.")])
    return value


def _credential(req: Request) -> str:
    principal = req.context.principal
    return f"{principal.account_id}:{principal.mode}:{principal.key_id or principal.user_id}"
