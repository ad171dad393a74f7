"""The load: clients that submit over HTTP and in the process, repeat themselves, and cancel."""

import io
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from threading import Event, Lock, Thread
from typing import Any, Final
from uuid import UUID

import requests
from peewee import PeeweeException

from jobs.accounts import NewPerson, register
from jobs.keys import Grantor, KeyWish, make_key
from jobs.queue import Queue, Sender, Wishes
from models.kernel.clock import SystemClock
from models.kernel.database import database
from models.kernel.denials import PaymentRequired
from models.kernel.errors import RateLimitExceeded
from models.kernel.ids import parse_id
from models.roles import permissions_of
from tests.chaos.jobs import Ask, Charge
from tests.chaos.watchers import Watchers
from tests.documents import text_pdf

ACCOUNTS: Final = 12
CLIENTS: Final = 5
FIRST_GRANT: Final = 500_000
"""Nano-USD: enough for most, so that a few are refused for want of credit."""
REQUEST_SECONDS: Final = 5
PAUSE_SECONDS: Final = 0.3
PASSWORD: Final = "correct horse battery"

Kinds = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody with an account, a key and some money."""

    account_id: UUID
    key: str


@dataclass(slots=True)
class Ledger:
    """What clients were told, to be held against what the rows say."""

    jobs: dict[UUID, str] = field(default_factory=dict)
    marks: Counter[str] = field(default_factory=Counter)
    books: list[str] = field(default_factory=list)
    refused: int = 0
    unanswered: int = 0
    repeated: int = 0
    cancels: int = 0
    lock: Lock = field(default_factory=Lock)

    def accepted(self, job_id: UUID, mark: str) -> None:
        """Note an id a client was given; another id for the same request is a doubled job."""
        with self.lock:
            self.jobs[job_id] = mark

    @property
    def count(self) -> int:
        """How many jobs clients know of."""
        return len(self.jobs)


def make_clients() -> list[Client]:
    """Register people with accounts, keys and a first grant each."""
    clock, clients = SystemClock(), []
    for number in range(ACCOUNTS):
        wish = NewPerson(email=f"chaos{number}@example.org", password=PASSWORD, tier="enterprise")
        person = register(wish, clock)
        grantor = Grantor(person.account_id, person.id, "live", permissions_of("user"))
        _, key = make_key(KeyWish(name="chaos"), grantor, clock)
        clients.append(Client(person.account_id, key))
        database.rows(
            "select money_grant(%s, %s, 'grants', %s)",
            (person.account_id, FIRST_GRANT, f"grant:{person.account_id}"),
        )
    return clients


class Load:
    """Submits jobs until told to stop."""

    def __init__(
        self, addresses: list[str], clients: list[Client], queue: Queue, *, seed: int, target: int
    ) -> None:
        """Start nothing yet; `target` is how many jobs there are to be at least."""
        self.ledger = Ledger()
        self.watchers = Watchers(addresses, seed)
        self._addresses = addresses
        self._clients = clients
        self._queue = queue
        self._target = target
        self._stopping = Event()
        self._hurrying = Event()
        self._threads = [
            Thread(target=self._work, args=(Random(f"{seed}:{n}"), n), daemon=True)
            for n in range(CLIENTS)
        ]

    def start(self) -> None:
        """Begin."""
        self.watchers.start()
        for thread in self._threads:
            thread.start()

    def wind_down(self) -> None:
        """Begin nothing new once the target is reached."""
        self._stopping.set()

    def is_over(self) -> bool:
        """Say whether every client has gone home."""
        if any(thread.is_alive() for thread in self._threads):
            return False
        self.watchers.wind_down()
        return self.watchers.is_over()

    def give_up(self) -> None:
        """Send every client home, answered or not."""
        self._hurrying.set()
        self._stopping.set()
        self.watchers.give_up()
        for thread in self._threads:
            thread.join(2 * REQUEST_SECONDS)

    def _work(self, dice: Random, number: int) -> None:
        deeds = (
            [self._echo] * 8 + [self._charge] * 8 + [self._ask_book] * 3 + [self._cancel] * 3
            + [self._upload]
        )  # fmt: skip
        with requests.Session() as session:
            session.trust_env = False
            turn = 0
            self._upload(session, dice, f"{number}:first")
            while not (self._stopping.is_set() and self.ledger.count >= self._target):
                turn += 1
                dice.choice(deeds)(session, dice, f"{number}:{turn}")
                if self._hurrying.wait(dice.uniform(0.05, 0.45)):
                    return

    def _echo(self, session: requests.Session, dice: Random, mark: str) -> None:
        """Submit some canaries, now and then twice as an impatient client does."""
        client = dice.choice(self._clients)
        for number in range(dice.choice([1, 1, 2, 6])):
            own = f"{mark}:{number}"
            body = {
                "type": "system.echo",
                "input": {"text": f"echo {own}", "chunks": dice.choice([1, 5]), "interval_ms": 150},
                "priority": dice.randrange(10),
            }
            times = 2 if dice.random() < 0.15 else 1
            for _ in range(times):
                self._submit(session, dice, client, f"echo {own}", body)

    def _ask_book(self, session: requests.Session, dice: Random, mark: str) -> None:
        """Ask the sandbox LLM something, about no book: it answers at once."""
        content = f"ask {mark}"
        body = {
            "type": "llm.completion",
            "input": {
                "model": "ilm-extractive",
                "messages": [{"role": "user", "content": content}],
            },
        }
        self._submit(session, dice, dice.choice(self._clients), content, body)

    def _submit(
        self, session: requests.Session, dice: Random, client: Client, mark: str,
        body: dict[str, Any],
    ) -> None:  # fmt: skip
        answer = self._post(session, dice, client, "/v1/jobs", mark, json=body)
        if answer is not None:
            self.ledger.accepted(parse_id("job", answer["id"]), mark)
            if body["type"] == "system.echo":
                self.watchers.watch(answer["id"], client.key, mark)

    def _upload(self, session: requests.Session, dice: Random, mark: str) -> None:
        """Upload a book of a few pages: its text and its images are two jobs more."""
        pages = [f"{mark} page {n}\nand what it says" for n in range(dice.randint(2, 4))]
        parts: dict[str, Any] = {
            "data": {"title": f"book {mark}"},
            "files": {"file": ("book.pdf", io.BytesIO(text_pdf(*pages)))},
        }
        answer = self._post(
            session, dice, dice.choice(self._clients), "/v1/books", f"book {mark}", **parts
        )
        if answer is not None:
            with self.ledger.lock:
                self.ledger.books.append(answer["id"])

    def _cancel(self, session: requests.Session, dice: Random, _mark: str) -> None:
        """Put a job that is worth cancelling, and cancel it, somewhere in its life."""
        client, mark = dice.choice(self._clients), f"cancel {_mark}"
        body = {
            "type": "system.echo",
            "input": {"text": f"echo {mark}", "chunks": 40, "interval_ms": 100},
        }
        answer = self._post(session, dice, client, "/v1/jobs", f"echo {mark}", json=body)
        if answer is None:
            return
        self.ledger.accepted(parse_id("job", answer["id"]), f"echo {mark}")
        self._hurrying.wait(dice.uniform(0, 1))
        path = f"/v1/jobs/{answer['id']}/cancel"
        if self._post(session, dice, client, path, f"cancel {mark}") is not None:
            self.ledger.cancels += 1

    def _post(
        self, session: requests.Session, dice: Random, client: Client, path: str, mark: str,
        **parts: Any,
    ) -> dict[str, Any] | None:  # fmt: skip
        """Post with an Idempotency-Key until there is an answer; None when it is a refusal."""
        key = mark.replace(" ", "-")
        headers = {"Authorization": f"Bearer {client.key}", "Idempotency-Key": key}
        tried = 0
        while not self._hurrying.is_set():
            tried += 1
            for _, file in (f for f in parts.get("files", {}).values()):
                file.seek(0)
            try:
                answer = session.post(
                    dice.choice(self._addresses) + path,
                    headers=headers, timeout=REQUEST_SECONDS, **parts,
                )  # fmt: skip
            except requests.RequestException:
                self._hurrying.wait(PAUSE_SECONDS)
                continue
            if answer.ok:
                self.ledger.repeated += tried > 1
                return dict(answer.json())
            if answer.status_code < 500 and answer.status_code != 429:
                self.ledger.refused += 1
                return None
            self._hurrying.wait(PAUSE_SECONDS)
        self.ledger.unanswered += 1
        return None

    def _charge(self, _session: requests.Session, dice: Random, mark: str) -> None:
        """Put some jobs that cost money."""
        client = dice.choice(self._clients)
        for number in range(dice.choice([1, 1, 3, 8])):
            own = f"charge {mark}:{number}"
            kind = dice.choice([Charge, Charge, Ask])
            job = kind(own, tokens=dice.randint(1, 4_000), steps=dice.randint(0, 4))
            self._put(client, job)

    def _put(self, client: Client, job: Charge) -> None:
        """Put until the database has said yes or no; the key makes saying it twice harmless."""
        wishes = Wishes(idempotency_key=job.mark, fingerprint=job.mark.encode())
        while not self._hurrying.is_set():
            try:
                row = self._queue.put(job, Sender(client.account_id, "live", job.mark), wishes)
            except (PaymentRequired, RateLimitExceeded):
                self.ledger.refused += 1
                return
            except PeeweeException:
                self._hurrying.wait(PAUSE_SECONDS)
                continue
            self.ledger.accepted(row.id, job.mark)
            return
        self.ledger.unanswered += 1
