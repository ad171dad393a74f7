"""A run: one attempt at a job, as the function that carries it out sees it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from models.kernel.errors import Refused
from models.kernel.money import ZERO, Nano


class LeaseLost(Exception):
    """Another attempt holds the row: stop at once, write nothing, say nothing."""


class GivenBack(Exception):
    """The worker is told to stop: the job goes back to its queue, counted as nothing."""


@dataclass(frozen=True, slots=True)
class Usage:
    """One call to an LLM, to be kept beside the job (B-11)."""

    operation: str
    llm: str
    price_id: str
    tokens_in: int
    tokens_out: int
    cost: Nano
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Effect:
    """A statement to run in the transaction that ends the job, or not at all."""

    sql: str
    parameters: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job came to: its result as JSON, what it cost, and what else its end changes."""

    result: dict[str, Any]
    usage: Sequence[Usage] = ()
    effects: Sequence[Effect] = ()

    @property
    def cost(self) -> Nano:
        """The sum of its calls."""
        return sum((line.cost for line in self.usage), ZERO)


@dataclass(slots=True)
class FinalFailure(Exception):
    """A refusal that ends the job, with what else must change when it does."""

    cause: Refused
    effects: Sequence[Effect] = field(default_factory=tuple)


class Run(Protocol):
    """What a job function may do to the world about its own attempt."""

    @property
    def job_id(self) -> UUID:
        """The id of the row."""
        ...

    @property
    def account_id(self) -> UUID:
        """Whose job it is."""
        ...

    @property
    def mode(self) -> str:
        """`live` or `test`."""
        ...

    @property
    def attempt(self) -> int:
        """The fencing token: 1 for the first claim."""
        ...

    @property
    def created_at(self) -> datetime:
        """When the job was accepted, by the database's clock."""
        ...

    def check(self) -> None:
        """Raise `LeaseLost`, `GivenBack`, `Cancelled` or `DeadlineExceeded` if it is time to stop.

        Call it between steps; it costs nothing.
        """
        ...

    def wait(self, seconds: float) -> None:
        """Let time pass, and stop waiting as soon as `check` would raise."""
        ...

    def progress(self, completed: int, total: int) -> None:
        """Say how far the job is; carried out by the next heartbeat."""
        ...

    def delta(self, text: str) -> None:
        """Stream a piece of text to whoever watches."""
        ...

    def write(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Write fenced: in a transaction that holds only while this attempt holds the row.

        Raises `LeaseLost` and writes nothing otherwise.
        """
        ...

    def on_stop(self, stop: Callable[[], None]) -> None:
        """Have `stop` called, from another thread, the moment the run has to end."""
        ...
