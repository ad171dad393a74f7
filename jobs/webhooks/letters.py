"""Letters to who registered an endpoint: that it fails, or was disabled, once each time (H-05)."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

from jobs.job import Job
from jobs.mail import HOUSE, Mail, PostOffice, letters
from jobs.money_letters import wants_mail
from jobs.queue import Queue, Wishes
from jobs.run import Outcome, Run
from models.accounts import Person
from models.kernel.clock import wire_time
from models.kernel.database import database
from models.kernel.errors import RateLimitExceeded
from models.kernel.logs import get_logger
from models.webhooks import Webhook

AT_ONCE: Final = 200
FAILING: Final = "webhook_failing"
DISABLED: Final = "webhook_disabled"

_DUE: Final = """
with due as (
    select id, is_enabled, case when is_enabled then warned_at else disabled_at end as moment
    from webhook
    where deleted_at is null and coalesce(letter_at, 'epoch') < case
        when is_enabled then warned_at
        when disabled_reason in ('failing', 'gone') then disabled_at end
)
select id, is_enabled, moment from due order by moment limit %s
"""
_ASKED: Final = "update webhook set letter_at = greatest(letter_at, %s) where id = %s"
_WHY: Final = {
    "failing": "every delivery to it has failed for five days",
    "gone": "it answered 410 Gone",
}

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SendWebhookLetter(Job):
    """Tell who registered an endpoint how it is, unless it is otherwise by now."""

    name: ClassVar[str] = "mail.webhook"
    queue: ClassVar[str] = "mail"

    webhook_id: UUID
    kind: str


def ask_letters(queue: Queue) -> int:
    """Ask for letters that are due, some at a time; count them. Any number may do so."""
    due = database.rows(_DUE, (AT_ONCE,))
    for webhook_id, is_enabled, moment in due:
        job = SendWebhookLetter(webhook_id, FAILING if is_enabled else DISABLED)
        if not _is_asked(queue, job, moment):
            return 0
        database.rows(_ASKED, (moment, webhook_id))
    return len(due)


def send_webhook_letter(
    job: SendWebhookLetter, office: PostOffice, address: str, run: Run
) -> Outcome:
    """Send it, unless the endpoint does well again, or its owner is gone or wants no mail."""
    row: Webhook | None = Webhook.found(id=job.webhook_id)
    if row is None or not _is_so(row, job.kind):
        return Outcome({"sent": False})
    person = Person.by_id(row.user_id)
    if person is None or not person.is_active or not wants_mail(person):
        return Outcome({"sent": False})
    words = letters()[job.kind]
    text = words.text.lstrip().format(
        url=row.url,
        since=wire_time(row.failing_since) if row.failing_since else "",
        why=_WHY.get(row.disabled_reason or "", ""),
        id=row.id.hex,
        address=address,
    )
    office.post(Mail(id=run.job_id, to=person.email, subject=words.subject, text=text))
    return Outcome({"sent": True})


def _is_so(row: Webhook, kind: str) -> bool:
    if row.deleted_at is not None:
        return False
    is_failing = row.is_enabled and row.failing_since is not None
    return is_failing if kind == FAILING else row.disabled_reason in _WHY


def _is_asked(queue: Queue, job: SendWebhookLetter, moment: datetime) -> bool:
    """Queue a letter; who does the same at once queues the same one. False: there is no room."""
    key = f"{job.name}:{job.webhook_id.hex}:{moment.isoformat()}"
    try:
        queue.put(job, HOUSE, Wishes(idempotency_key=key, fingerprint=job.webhook_id.bytes))
    except RateLimitExceeded:
        log.error("mail.room_full", kind=job.kind)
        return False
    return True
