"""Asking: a request on a wire becomes a job, with its plan, its hold and its way to recover."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from falcon.asgi import Request

from api.idempotency import idempotency_key
from api.live.intake import Intake
from api.own_keys import own_key_of
from jobs.llms.admission import Admission
from jobs.llms.ask import BUFFER, CONTINUE, ERROR
from jobs.llms.calls import WireCall
from jobs.llms.provider import Message
from models.jobs import JobRow
from models.kernel.errors import Detail, Invalid

RECOVERY: Final = "X-Ilm-Recovery"
FALLBACK: Final = "X-Ilm-Fallback"
ON_DISCONNECT: Final = "X-Ilm-On-Disconnect"
RECOVERIES: Final = (ERROR, CONTINUE, BUFFER)
KEPT_GOING: Final = "continue"
CANCELLED: Final = "cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request on a wire asks for: its body, what it goes on from, whether it may wait."""

    wire: str
    body: Mapping[str, Any]
    earlier: Sequence[Message] = ()
    is_background: bool = False


class Asking:
    """Turns requests into jobs. Every method runs in the pool."""

    def __init__(self, intake: Intake, admission: Admission) -> None:
        """Take where requests become jobs, and who admits questions."""
        self._intake = intake
        self._admission = admission

    def submit(self, req: Request, asked: Asked) -> JobRow:
        """Accept a call, or return the one that this request repeats.

        Raises what `Admission.admit` and `Intake.take` raise, and `Invalid` for a bad header.
        """
        return self._intake.take(req, lambda: self._job(req, asked))

    def _job(self, req: Request, asked: Asked) -> WireCall:
        principal, own = req.context.principal, own_key_of(req)
        has_key = idempotency_key(req) is not None
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
