"""Jobs made to be interrupted: they cost money, leave marks, fail, and overrun their lease."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from threading import Event
from typing import ClassVar, Final

from jobs.job import Job
from jobs.run import Effect, Outcome, Run, Usage
from models.kernel.errors import DeadlineExceeded, Unavailable
from models.kernel.money import Estimate, Nano

OPERATION: Final = "chaos"
LLM: Final = "chaos"
PRICE: Final = "chaos-2026-11"
NANO_PER_TOKEN: Final = 7
LONGEST_STEP: Final = 0.25
LONGEST_STEP_AGAIN: Final = 1.5
"""Of a later attempt: it is still at it when the zombie of an earlier one wakes."""
STALLS: Final = (1.2, 2.4)
"""How many leases an overrun lasts."""

UNAVAILABLE: Final = 0.10
REFUSED: Final = 0.13
OVERRUN: Final = 0.25
"""What befalls an attempt, as thresholds of one throw of the dice; above the last, nothing."""

_WRITE: Final = "insert into chaos_write (job_id, attempt, step) values (%s, %s, %s)"
_EFFECT: Final = "insert into chaos_effect (job_id, attempt) values (%s, %s)"

Stall = Callable[[Run, float], None]
"""Keeps a run busy for so many leases, without a heartbeat."""


@dataclass(frozen=True, slots=True)
class Charge(Job):
    """Take some steps, each a fenced write, and charge `tokens` for it."""

    name: ClassVar[str] = "chaos.charge"
    queue: ClassVar[str] = "default"

    mark: str
    tokens: int
    steps: int

    @property
    def cost(self) -> Nano:
        """What it costs, if it ends well."""
        return Nano(self.tokens * NANO_PER_TOKEN)

    @property
    def estimate(self) -> Estimate:
        """Twice the cost."""
        return Estimate(self.cost + self.cost, 2 * self.tokens)


@dataclass(frozen=True, slots=True)
class Ask(Charge):
    """The same, on the queue whose jobs have the shortest patience."""

    name: ClassVar[str] = "chaos.ask"
    queue: ClassVar[str] = "llm"


def charge(job: Charge, run: Run, stall: Stall) -> Outcome:
    """Do the steps; then what the dice of this attempt say. Safe to run twice."""
    dice = Random(f"{job.mark}:{run.attempt}")
    longest = LONGEST_STEP if run.attempt == 1 else LONGEST_STEP_AGAIN
    for step in range(job.steps):
        run.wait(dice.uniform(0, longest))
        run.write(_WRITE, (run.job_id, run.attempt, step))
        run.progress(step + 1, job.steps)
        run.delta(f"{step} ")
    fate = dice.random()
    if fate < UNAVAILABLE:
        raise Unavailable("the dice say so", retry_after=dice.choice([None, 0.5]))
    if fate < REFUSED:
        raise DeadlineExceeded("the dice say so")
    if fate < OVERRUN:
        stall(run, dice.uniform(*STALLS))
        if dice.random() < 0.5:
            run.write(_WRITE, (run.job_id, run.attempt, job.steps))
    usage = Usage(OPERATION, LLM, PRICE, 0, job.tokens, job.cost)
    effect = Effect(_EFFECT, (run.job_id, run.attempt))
    return Outcome({"attempt": run.attempt}, usage=[usage], effects=[effect])


def rest(seconds: float) -> None:
    """Let time pass, whatever the run is told meanwhile."""
    Event().wait(seconds)
