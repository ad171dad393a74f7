"""Replays and recoveries: past events delivered again, however many, by a job (H-11).

A job goes through the events of its span in their order, some in a transaction, and makes a
delivery of each that the endpoint wants. Which ones it has made is kept by a key of the database:
a job that is killed begins anew and doubles nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from jobs.job import Job
from jobs.queue import Queue, Sender, Wishes
from jobs.run import Outcome, Run
from jobs.webhooks.endpoints import Endpoints
from jobs.webhooks.filters import check_may_hear
from jobs.webhooks.keepers import Keeper, note
from models.events import BEGINNING, Place
from models.jobs import JobRow
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.errors import Conflict, Detail, Invalid
from models.webhooks import Webhook

AT_ONCE: Final = 1_000
"""Events that one transaction goes through."""

_TOTAL: Final = """
select count(*) from event
where account_id = %s and mode = %s and created_at >= %s and created_at < %s
"""
_STEP: Final = """
with span as (
    select written_by, seq from event
    where account_id = %s and mode = %s and created_at >= %s and created_at < %s
      and (written_by, seq) > (%s::text::xid8, %s)
    order by written_by, seq limit %s
)
select written_by::text::bigint, seq, count(*) over () from span
order by written_by desc, seq desc limit 1
"""
_AGAIN: Final = "select webhook_again(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
_MADE: Final = "select count(*) from webhook_delivery where asked_by = %s"


@dataclass(frozen=True, slots=True)
class RecoverWebhook(Job):
    """Deliver what has not arrived at an endpoint, of events from `since` to, not in, `until`."""

    name: ClassVar[str] = "webhooks.recover"
    queue: ClassVar[str] = "webhooks"
    cause: ClassVar[str] = "recover"

    webhook_id: UUID
    since: str
    until: str

    @property
    def subject(self) -> UUID:
        """The endpoint."""
        return self.webhook_id

    @property
    def url(self) -> str | None:
        """Where to; None is the endpoint's own address."""
        return None


@dataclass(frozen=True, slots=True)
class ReplayWebhook(Job):
    """Deliver events from `since` to, not in, `until` again, to another address if there is one."""

    name: ClassVar[str] = "webhooks.replay"
    queue: ClassVar[str] = "webhooks"
    cause: ClassVar[str] = "replay"

    webhook_id: UUID
    since: str
    until: str
    url: str | None = None

    @property
    def subject(self) -> UUID:
        """The endpoint."""
        return self.webhook_id


Again = RecoverWebhook | ReplayWebhook


class Repeats:
    """Takes wishes for replays and recoveries."""

    def __init__(self, endpoints: Endpoints, queue: Queue, clock: Clock) -> None:
        """Take what knows addresses, where jobs go, and the time."""
        self._endpoints = endpoints
        self._queue = queue
        self._clock = clock

    def recover(
        self, row: Webhook, since: datetime, keeper: Keeper, sender: Sender, wishes: Wishes
    ) -> JobRow:
        """Have delivered what has not arrived since then; raise `Invalid` and `Conflict`."""
        job = RecoverWebhook(row.id, *self._span(since, None))
        return self._put(job, row, keeper, sender, wishes)

    def replay(
        self, row: Webhook, wish: Mapping[str, Any], keeper: Keeper, sender: Sender, wishes: Wishes
    ) -> JobRow:
        """Have what happened from `since` to `until` delivered again, to `url` if there is one.

        Raises `Invalid` and `Conflict`; `InsufficientPermissions` for another address of who may
        not read what the endpoint hears.
        """
        url = wish.get("url")
        if url is not None:
            check_may_hear(row.events, keeper.permissions)
            self._endpoints.check_address(url, row.mode)
        job = ReplayWebhook(row.id, *self._span(wish["since"], wish.get("until")), url=url)
        return self._put(job, row, keeper, sender, wishes)

    def _span(self, since: datetime, until: datetime | None) -> tuple[str, str]:
        now = self._clock.now()
        end = min(until or now, now)
        if since >= end:
            raise Invalid(details=[Detail("since", "It is not before the end of the span.")])
        return since.isoformat(), end.isoformat()

    def _put(
        self, job: Again, row: Webhook, keeper: Keeper, sender: Sender, wishes: Wishes
    ) -> JobRow:
        if wishes.idempotency_key is None and JobRow.open_about(row.id):
            raise Conflict("another replay or recovery of this webhook goes on: await or cancel it")
        made = self._queue.put(job, sender, wishes)
        details = {"since": job.since, "until": job.until, "url": job.url}
        note(f"webhook.{job.cause}", row, keeper, {**details, "job_id": str(made.id)})
        return made


def deliver_again(job: Again, run: Run) -> Outcome:
    """Make the deliveries of a replay or a recovery; of an endpoint that is gone, none."""
    row: Webhook | None = Webhook.found(id=job.webhook_id)
    if row is not None:
        _through(job, row, run)
    ((made,),) = database.rows(_MADE, (run.job_id,))
    return Outcome({"deliveries": int(made)})


def _through(job: Again, row: Webhook, run: Run) -> None:
    """Go through the events of a job's span, the earliest first."""
    span = (job.since, job.until)
    ((total,),) = database.rows(_TOTAL, (row.account_id, row.mode, *span))
    place, looked_at = BEGINNING, 0
    while found := _step(row, span, place):
        run.check()
        upto, count = found
        run.write(_AGAIN, (
            run.job_id, row.id, job.cause, job.url, str(place.transaction), place.number,
            str(upto.transaction), upto.number, *span,
        ))  # fmt: skip
        place, looked_at = upto, looked_at + count
        run.progress(looked_at, max(total, looked_at))


def _step(row: Webhook, span: tuple[str, str], after: Place) -> tuple[Place, int] | None:
    """Return where the next events after a place end, and how many they are; None: no more."""
    begin = (str(after.transaction), after.number, AT_ONCE)
    for transaction, number, count in database.rows(
        _STEP, (row.account_id, row.mode, *span, *begin)
    ):
        return Place(transaction, number), count
    return None
