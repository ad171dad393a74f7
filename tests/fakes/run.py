"""A run of a job that nobody can take away: it writes for real, and remembers what it is told."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from jobs.run import Effect
from jobs.sayings import Saying
from models.jobs import JobRow
from models.kernel.database import database
from tests import factories


class FakeRun:
    """One attempt at a job of an account; `stops` is raised at the check after so many."""

    def __init__(
        self, account_id: UUID | None = None, *, stops: Exception | None = None, after: int = 0
    ) -> None:
        """Write the job's row, so that ids and times are the database's."""
        self.row: JobRow = factories.job(account_id, state="running", attempt=1)
        self.steps: list[tuple[int, int]] = []
        self.pieces: list[str] = []
        self.sayings: list[Saying] = []
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.has_shown = False
        self.stoppers: list[Callable[[], None]] = []
        self.waits: list[float] = []
        self._stops = stops
        self._checks_left = after

    @property
    def job_id(self) -> UUID:
        return UUID(str(self.row.id))

    @property
    def account_id(self) -> UUID:
        return UUID(str(self.row.account_id))

    @property
    def mode(self) -> str:
        return str(self.row.mode)

    @property
    def attempt(self) -> int:
        return int(self.row.attempt)

    @property
    def created_at(self) -> datetime:
        moment: datetime = self.row.created_at
        return moment

    @property
    def text(self) -> str:
        """What was streamed, put together."""
        return "".join(self.pieces)

    def check(self) -> None:
        if self._stops is None:
            return
        if self._checks_left <= 0:
            raise self._stops
        self._checks_left -= 1

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.check()

    def progress(self, completed: int, total: int) -> None:
        self.steps.append((completed, total))

    def delta(self, text: str) -> None:
        self.pieces.append(text)

    def say(self, saying: Saying) -> None:
        self.sayings.append(saying)
        if saying.kind == "delta":
            self.pieces.append(saying.text)

    def tell(self, kind: str, **fields: Any) -> None:
        self.told.append((kind, fields))

    def was_shown(self) -> bool:
        return self.has_shown

    def write(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        database.rows(sql, parameters)

    def on_stop(self, stop: Callable[[], None]) -> None:
        self.stoppers.append(stop)


def applied(effects: Iterable[Effect]) -> None:
    """Do what the end of a job changes, as its last transaction does."""
    with database.unit():
        for effect in effects:
            database.rows(effect.sql, effect.parameters)
