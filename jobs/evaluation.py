"""Evaluating: how each LLM does, and which of two does better where Ilm chooses (E-01 – E-05).

An experiment splits the accounts, not the calls: whoever is in an arm stays in it, by a hash of the
account and the experiment's name. It only touches questions whose author has left the choice to us.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from itertools import groupby
from typing import Final
from uuid import UUID

from models import evaluation
from models.evaluation import Experiment, Measures, Rating
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.errors import Conflict, Detail, DuplicateResource, Invalid, NotFound
from models.llms import llm_named

ARM_A: Final = "a"
ARM_B: Final = "b"
HUNDRED: Final = 100

_BEGIN: Final = """
insert into experiment (name, llm_a, llm_b, share, created_at) values (%s, %s, %s, %s, %s)
on conflict do nothing returning name
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """How one vendor's LLM did, over some days and on each of them, newest first."""

    vendor: str
    llm: str
    measures: Measures
    rating: Rating
    days: Sequence[tuple[date, Measures]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One side of an experiment, and how it did; `cost_nano` is what its answers' owners paid."""

    name: str
    llm: str
    answers: int
    cost_nano: int
    measures: Measures
    rating: Rating


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Where an account belongs: to an arm of an experiment. `llms` are those of both arms."""

    experiment: str
    arm: str
    llms: Mapping[str, str]


def performance(days: int) -> list[Performance]:
    """Return how every LLM did that was called in so many days, today among them (M-44)."""
    ratings = evaluation.rated_by_llm(days)
    found = []
    for place, rows in groupby(evaluation.measured_by_llm(days), key=lambda row: row[:2]):
        whole, *each = [(day, measures) for _, _, day, measures in rows]
        found.append(
            Performance(
                vendor=place[0],
                llm=place[1],
                measures=whole[1],
                rating=ratings.get(place, Rating()),
                days=[(day, measures) for day, measures in each if day is not None],
            )
        )
    return found


def begin(experiment: Experiment, clock: Clock) -> Experiment:
    """Begin an experiment.

    Raises `Invalid` for an LLM there is none of or one that is compared with itself,
    `DuplicateResource` for a name that was used before, `Conflict` while another runs.
    """
    for field, name in (("llmA", experiment.llm_a), ("llmB", experiment.llm_b)):
        if llm_named(name) is None:
            raise Invalid(details=[Detail(field, "There is no LLM of this name.")])
    if experiment.llm_a == experiment.llm_b:
        raise Invalid(details=[Detail("llmB", "Must be another LLM than llmA.")])
    columns = (experiment.llm_a, experiment.llm_b, experiment.share, clock.now())
    if not database.rows(_BEGIN, (experiment.name, *columns)):
        if Experiment.found(name=experiment.name):
            raise DuplicateResource("there was an experiment of this name")
        raise Conflict("another experiment is running: end that one first")
    return named(experiment.name)


def end(name: str, clock: Clock) -> Experiment:
    """End an experiment; what it found stays. Raises `NotFound`."""
    experiment = named(name)
    if experiment.ended_at is None:
        experiment.ended_at = clock.now()
        experiment.save(only=[Experiment.ended_at])
    return experiment


def named(name: str) -> Experiment:
    """Return an experiment; raise `NotFound`."""
    found: Experiment | None = Experiment.found(name=name)
    if found is None:
        raise NotFound("there is no such experiment")
    return found


def arms_of(experiment: Experiment) -> list[Arm]:
    """Return both sides of an experiment, and how they did so far."""
    measures = evaluation.measured_by_arm(experiment.name)
    costs = evaluation.costs_by_arm(experiment.name)
    ratings = evaluation.rated_by_arm(experiment.name)
    return [
        Arm(
            name=arm,
            llm=llm,
            answers=costs.get(arm, (0, 0))[0],
            cost_nano=costs.get(arm, (0, 0))[1],
            measures=measures.get(arm, Measures()),
            rating=ratings.get(arm, Rating()),
        )
        for arm, llm in ((ARM_A, experiment.llm_a), (ARM_B, experiment.llm_b))
    ]


def part_of(account_id: UUID) -> Part | None:
    """Return the part an account has in the experiment that runs, None when none does."""
    experiment = Experiment.running()
    if experiment is None:
        return None
    arm = arm_of(experiment.name, experiment.share, account_id)
    llms = {ARM_A: experiment.llm_a, ARM_B: experiment.llm_b}
    return Part(experiment=experiment.name, arm=arm, llms=llms)


def arm_of(name: str, share: int, account_id: UUID) -> str:
    """Return the arm of an account: the same each time, b for `share` percent of them."""
    digest = sha256(f"{name}:{account_id}".encode()).digest()
    return ARM_B if int.from_bytes(digest[:8]) % HUNDRED < share else ARM_A
