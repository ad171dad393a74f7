"""What tests of logins stand on: somebody, a clock that stands still, everything that logs in."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from jobs.accounts import NewPerson, register
from jobs.attempts import Origin
from jobs.factors import Bearer, Factors
from jobs.logins import Logins, LoginWish, Opened
from jobs.mail import Mailroom, SendLetter
from jobs.proofs import Proofs
from jobs.queue import Queue
from jobs.recovery import Recovery
from jobs.tokens import Tokens
from models.accounts import Person
from models.jobs import JobRow
from models.kernel.denials import AccountLocked
from models.kernel.errors import Unauthorized
from models.kernel.secrets import Secrets
from models.kernel.settings import Settings
from models.logins import LoginAttempt
from tests.fakes.clock import FakeClock

SECRETS = Secrets(b"the secret of this installation.")
EMAIL = "ada@example.org"
PASSWORD = "correct horse battery"
WRONG = "not this one"
HOME = Origin("192.0.2.7", "a browser", "req_home")
STRANGER = Origin("203.0.113.9", "another browser", "req_away")


@dataclass
class House:
    """One installation, and Ada, who is registered."""

    queue: Queue
    options: dict[str, Any] = field(default_factory=dict)
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        settings = Settings(home=Path("nowhere"), **self.options)
        self.tokens = Tokens(settings.base_url, SECRETS, self.clock)
        self.mailroom = Mailroom(self.queue)
        self.proofs = Proofs(SECRETS, self.clock)
        self.logins = Logins(self.tokens, SECRETS, self.mailroom, settings, self.clock)
        self.factors = Factors(SECRETS, self.proofs, self.mailroom, self.clock)
        self.recovery = Recovery(self.proofs, self.mailroom, self.clock)
        self.ada: Person = register(NewPerson(email=EMAIL, password=PASSWORD), self.clock)

    def login(
        self, password: str = PASSWORD, origin: Origin = HOME, *, email: str = EMAIL, **wish: Any
    ) -> Opened:
        return self.logins.login(LoginWish(email=email, password=password, **wish), origin)

    def refused(
        self, password: str = WRONG, origin: Origin = HOME, **wish: Any
    ) -> type[BaseException]:
        """Try to log in, in vain; return how it was refused."""
        with pytest.raises((Unauthorized, AccountLocked)) as caught:
            self.login(password, origin, **wish)
        return caught.type

    def bearer(self, opened: Opened, *, is_stepped_up: bool = False) -> Bearer:
        return Bearer(opened.person.id, opened.session.id, is_stepped_up=is_stepped_up)

    def letter(self, kind: str) -> tuple[str, JobRow]:
        """Return the proof in the last letter of a kind, and the job that sends it."""
        asked = JobRow.select().where(JobRow.type == SendLetter.name).order_by(JobRow.id.desc())
        job = next(each for each in asked if each.input["kind"] == kind)
        person = Person.by_email(job.input["email"])
        assert person is not None
        return self.proofs.issue(kind, person, job.id)[1], job

    def letters(self) -> list[tuple[str, str]]:
        """Return what was asked to be sent, in order, and to whom."""
        asked = JobRow.select().where(JobRow.type == SendLetter.name).order_by(JobRow.id)
        return [(each.input["kind"], each.input["email"]) for each in asked]


def attempts(*columns: str) -> list[tuple[Any, ...]]:
    """Return what was tried, in order."""
    rows = LoginAttempt.select().order_by(LoginAttempt.id)
    return [tuple(getattr(row, column) for column in columns) for row in rows]
