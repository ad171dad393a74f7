"""Letters about money: summaries for who wishes for them, and what befalls credits and budgets.

Each is sent once (B-14, B-17, B-18). A schedule asks for them and a worker writes them, so that
they say what is so when they are sent.
"""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Final
from uuid import UUID

from jobs.job import Job
from jobs.mail import HOUSE, Mail, PostOffice, letters
from jobs.queue import Queue, Wishes
from jobs.run import Outcome, Run
from models.accounts import Person
from models.billing import LIVE, Whose
from models.kernel.errors import RateLimitExceeded
from models.kernel.logs import get_logger
from models.kernel.money import Nano
from models.money_letters import (
    MoneyLetter,
    budget_alerts,
    events_to_tell,
    money_event,
    summaries_due,
)
from models.people import PersonPreferences
from models.usage import Usage, usage

AT_ONCE: Final = 500
SUMMARY: Final = "cost_summary"
KINDS: Final = {
    "budget.alert": "budget_alert",
    "credits.soft_limit": "soft_limit",
    "credits.grace_started": "grace_started",
}
MOST_LINES: Final = 20

_AMOUNTS: Final = ("spent", "amount", "balance", "held")

_SENT: Final = "update money_letter set sent_at = now() where person_id = %s and about = %s"

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SendSummary(Job):
    """Tell somebody what days from `first` to, not in, `past` have cost them."""

    name: ClassVar[str] = "mail.cost_summary"
    queue: ClassVar[str] = "mail"

    person_id: UUID
    every: str
    first: str
    past: str

    @property
    def about(self) -> str:
        """What it tells of; nobody is told twice."""
        return f"{self.every}:{self.first}"


@dataclass(frozen=True, slots=True)
class SendNotice(Job):
    """Tell somebody of an event of their account's money."""

    name: ClassVar[str] = "mail.money_notice"
    queue: ClassVar[str] = "mail"

    person_id: UUID
    event_id: UUID

    @property
    def about(self) -> str:
        """What it tells of; nobody is told twice."""
        return str(self.event_id)


def send_summaries(queue: Queue) -> int:
    """Ask for the summaries that are due, some at a time; count them, 0 when there is no room.

    Any number may do so at once.
    """
    due = summaries_due(AT_ONCE)
    for each in due:
        first, past = each.first.isoformat(), each.past.isoformat()
        if not _is_asked(queue, SendSummary(each.person_id, each.every, first, past)):
            return 0
    return len(due)


def send_notices(queue: Queue) -> int:
    """Ask for letters about what befell credits and budgets; count them, 0 without room."""
    due = events_to_tell(AT_ONCE)
    for person_id, event_id in due:
        if not _is_asked(queue, SendNotice(person_id, event_id)):
            return 0
    return len(due)


def send_summary(job: SendSummary, office: PostOffice, address: str, run: Run) -> Outcome:
    """Send it, unless nothing was spent and no budget told of itself, or it is not wished for."""
    person = Person.by_id(job.person_id)
    if person is None or not person.is_active or _wished(person) != job.every:
        return Outcome({"sent": False})
    first, past = date.fromisoformat(job.first), date.fromisoformat(job.past)
    whose = Whose(account_id=person.account_id, mode=LIVE)
    spent, before = usage(whose, first, past), usage(whose, first - (past - first), first)
    alerts = budget_alerts(person.account_id, first, past)
    if not spent.total.cost and not alerts:
        return Outcome({"sent": False})
    words = {
        "first": job.first,
        "last": date.fromordinal(past.toordinal() - 1).isoformat(),
        "cost": spent.total.cost.usd,
        "calls": spent.total.calls,
        "before": before.total.cost.usd,
        "lines": _lines(spent),
        "alerts": alerts,
        "every": job.every,
        "address": address,
    }
    return _sent(job, person, Letter(SUMMARY, words), office, run)


def send_notice(job: SendNotice, office: PostOffice, address: str, run: Run) -> Outcome:
    """Send it, unless they want no mail of this kind."""
    person, event = Person.by_id(job.person_id), money_event(job.event_id)
    if person is None or not person.is_active or event is None or not wants_mail(person):
        return Outcome({"sent": False})
    told = event.data.get("budget") or event.data.get("credits") or {}
    amounts = {name: Nano(int(told.get(f"{name}_nano_usd", 0))).usd for name in _AMOUNTS}
    words = {**amounts, "percent": told.get("percent", ""), "address": address}
    return _sent(job, person, Letter(KINDS[event.type], words), office, run)


def wants_mail(person: Person) -> bool:
    """Say whether somebody has letters of this kind: yes, unless they said no."""
    said = PersonPreferences.of(person.id).get("notifications", {})
    return bool(said.get("email", True))


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter of the catalogue, with what fills its gaps."""

    kind: str
    words: dict[str, object]


def _sent(
    job: SendSummary | SendNotice, person: Person, letter: Letter, office: PostOffice, run: Run
) -> Outcome:
    """Send a letter to who has not had it."""
    if MoneyLetter.is_sent(person.id, job.about):
        return Outcome({"sent": False})
    words = letters()[letter.kind]
    text = words.text.lstrip().format(**letter.words)
    office.post(Mail(id=run.job_id, to=person.email, subject=words.subject, text=text))
    run.write(_SENT, (person.id, job.about))
    return Outcome({"sent": True})


def _is_asked(queue: Queue, job: SendSummary | SendNotice) -> bool:
    """Queue a letter and write that down; who does the same at once queues the same one.

    False: there is no room.
    """
    once = Wishes(
        idempotency_key=f"{job.name}:{job.person_id.hex}:{job.about}",
        fingerprint=job.person_id.bytes,
    )
    try:
        queue.put(job, HOUSE, once)
    except RateLimitExceeded:
        log.error("mail.room_full", kind=job.name)
        return False
    MoneyLetter.ask(job.person_id, job.about)
    return True


def _wished(person: Person) -> str:
    said = PersonPreferences.of(person.id).get("notifications", {})
    return str(said.get("costSummary", "off"))


def _lines(spent: Usage) -> str:
    shown = spent.by_llm[:MOST_LINES]
    return "\n".join(f"  {p.name}: ${p.sum.cost.usd} in {p.sum.calls} calls" for p in shown)
