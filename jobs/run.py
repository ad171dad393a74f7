"""A run: one attempt at a job, as the function that carries it out sees it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from jobs.sayings import Saying
from models.kernel.errors import IlmError
from models.kernel.money import ZERO, Nano


class LeaseLost(Exception):
    """Another attempt holds the row: stop at once, write nothing, say nothing."""


class GivenBack(Exception):
    """The worker is told to stop: the job goes back to its queue, counted as nothing."""


@dataclass(frozen=True, slots=True)
class Usage:
    """One call to an LLM, to be kept beside the job (B-11).

    `cost` is the owner's, `vendor_cost` what the vendor charges the house. A line that `is_borne`
    was lost to a vendor's fault: nobody is charged for it.
    """

    operation: str
    llm: str
    price_id: str
    tokens_in: int
    tokens_out: int
    cost: Nano
    estimated: bool = False
    vendor: str = "ilm"
    tokens_cached: int = 0
    tokens_written: int = 0
    tokens_written_long: int = 0
    tokens_reasoning: int = 0
    vendor_cost: Nano = ZERO
    is_borne: bool = False
    is_own_key: bool = False


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
    """An error that ends the job for good, with what it leaves and what else must change then.

    `result` is what there is of it all the same (a cancelled answer's beginning), `usage` what it
    used until then.
    """

    cause: IlmError
    effects: Sequence[Effect] = field(default_factory=tuple)
    result: dict[str, Any] | None = None
    usage: Sequence[Usage] = field(default_factory=tuple)

    @property
    def cost(self) -> Nano:
        """The sum of its calls."""
        return sum((line.cost for line in self.usage), ZERO)


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

    def say(self, saying: Saying) -> None:
        """Stream a piece of what is said: text, thinking, or part of a tool call."""
        ...

    def tell(self, kind: str, **fields: Any) -> None:
        """Stream one event after what was said so far; `restart` takes all of that back."""
        ...

    def was_shown(self) -> bool:
        """Say whether an earlier attempt has shown content; yes when nobody can tell."""
        ...

    def write(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Write fenced: in a transaction that holds only while this attempt holds the row.

        Raises `LeaseLost` and writes nothing otherwise.
        """
        ...

    def on_stop(self, stop: Callable[[], None]) -> None:
        """Have `stop` called, from another thread, the moment the run has to end."""
        ...
