"""Mail: letters are jobs, sent by a worker, tried again when the mail server is away (A-01, A-08).

What a letter proves is made when it is sent, so that no row and no message ever holds it. Whether
an address is anybody's is found out there too: asking for a letter takes the same time for all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Protocol
from uuid import UUID

from jobs.job import Job
from jobs.proofs import GOOD_FOR, RESET, VERIFY, Proofs
from jobs.queue import Queue, Sender
from jobs.run import Outcome, Run
from models.accounts import Person
from models.catalogue.reader import entries
from models.kernel.errors import RateLimitExceeded
from models.kernel.logs import get_logger

HOUSE: Final = Sender(UUID(int=0), "live")
"""Letters are nobody's jobs: they are not listed, and an address without an account has them."""

PAGES: Final[Mapping[str, str]] = {VERIFY: "verify-email", RESET: "reset-password"}
"""Where the link of a letter leads. The token is in its fragment, so that no log ever has it."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SendLetter(Job):
    """Send a letter of a kind to an address, if it is somebody's."""

    name: ClassVar[str] = "mail.send"
    queue: ClassVar[str] = "mail"

    kind: str
    email: str


@dataclass(frozen=True, slots=True)
class Words:
    """A letter of the catalogue: its subject, and its text with gaps."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A letter as it is sent. The same id means the same letter, sent once more."""

    id: UUID
    to: str
    subject: str
    text: str


class PostOffice(Protocol):
    """What delivers a mail, or leaves it where an operator finds it."""

    def post(self, mail: Mail) -> None:
        """Deliver; raise `Unavailable` when a later try may help, else `UpstreamRefused`."""
        ...


class Mailroom:
    """Where letters are asked for."""

    def __init__(self, queue: Queue) -> None:
        """Take where jobs go."""
        self._queue = queue

    def post(self, kind: str, email: str) -> None:
        """Have a letter sent soon. When too many wait already, it is left out and logged."""
        self.send(SendLetter(kind, email), kind)

    def send(self, letter: Job, kind: str) -> None:
        """Have a letter of another kind of job sent as `post` does."""
        try:
            self._queue.put(letter, HOUSE)
        except RateLimitExceeded:
            log.error("mail.room_full", kind=kind)


def letters() -> Mapping[str, Words]:
    """Return the letters there are, by kind."""
    return entries("letters", Words)


def send_letter(
    job: SendLetter, office: PostOffice, proofs: Proofs, address: str, run: Run
) -> Outcome:
    """Send a letter once; to an address nobody has, or whose owner is suspended, none.

    Nobody is asked to verify what is verified.
    """
    person = Person.by_email(job.email)
    if person is None or not person.is_active:
        return Outcome({"sent": False})
    if job.kind == VERIFY and person.email_verified_at is not None:
        return Outcome({"sent": False})
    proof, token = proofs.issue(job.kind, person, run.job_id)
    if proof.sent_at is None:
        text = _filled(job.kind, token, address)
        mail = Mail(id=run.job_id, to=person.email, subject=letters()[job.kind].subject, text=text)
        office.post(mail)
        run.write("update proof set sent_at = now() where digest = %s", (bytes(proof.digest),))
    return Outcome({"sent": True})


def _filled(kind: str, token: str, address: str) -> str:
    minutes = int(GOOD_FOR[kind].total_seconds() // 60)
    return (
        letters()[kind]
        .text.lstrip()
        .format(
            token=token,
            link=f"{address}/{PAGES[kind]}#token={token}" if kind in PAGES else "",
            address=address,
            minutes=minutes,
            hours=minutes // 60,
        )
    )
