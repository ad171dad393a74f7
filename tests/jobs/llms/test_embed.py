"""Vectors as a job: who makes them, what is held, what is charged."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from jobs.llms.embed import Booked, Embed, embedded_of, make_vectors
from jobs.llms.provider import Embedded, OnStop
from jobs.llms.router import Caller
from models.kernel.database import Pool
from models.kernel.errors import (
    Cancelled,
    IlmError,
    Invalid,
    ModelNotAvailable,
    ModelNotFound,
    UpstreamError,
)
from tests.fakes.run import FakeRun

TODAY = date(2026, 11, 21)
SMALL = "text-embedding-3-small"


@dataclass(frozen=True)
class Vendor:
    """Makes vectors of two numbers, and counts as told."""

    tokens: int = 1_000

    def embed(
        self, llm: str, texts: Sequence[str], dimensions: int | None, on_stop: OnStop
    ) -> Embedded:
        del llm, dimensions
        on_stop(lambda: None)
        return Embedded([(0.5, -0.25)] * len(texts), self.tokens)


class Away:
    """A vendor whose calls break off."""

    def embed(self, *_asked: Any) -> Embedded:
        raise UpstreamError("reset")


def caller(**given: Any) -> Caller:
    usual = {"tier": "free", "mode": "live", "served": frozenset({"ilm", "openai"})}
    return Caller(**{**usual, "today": TODAY, **given})


@pytest.fixture
def run(database: Pool) -> FakeRun:
    return FakeRun()


def test_vectors_come_back_from_the_row_as_they_were_made(run: FakeRun) -> None:
    job = Embed(SMALL, ("a", "b")).booked(caller())
    made = make_vectors(job, {"openai": Vendor()}, run)

    kept = embedded_of(made.to_row())

    assert [tuple(vector) for vector in kept.vectors] == [(0.5, -0.25)] * 2
    assert kept.tokens == 1_000


def test_the_vendors_count_is_charged_and_ours_only_estimates_within_the_hold(
    run: FakeRun,
) -> None:
    job = Embed(SMALL, ("a walrus",)).booked(caller())

    exact = make_vectors(job, {"openai": Vendor(1_000)}, run).usage
    guess = make_vectors(job, {"openai": Vendor(0)}, run).usage

    assert (exact.cost.amount, exact.vendor_cost.amount, exact.estimated) == (28_000, 20_000, False)
    assert guess.estimated
    assert guess.cost <= Booked(**job.plan).hold


def test_a_test_key_is_served_by_the_sandbox_under_any_name_for_nothing(run: FakeRun) -> None:
    job = Embed(SMALL, ("a",)).booked(caller(mode="test"))

    usage = make_vectors(job, {"ilm": Vendor()}, run).usage

    assert (job.plan["hold_nano"], usage.cost.amount, usage.vendor) == (0, 0, "ilm")
    assert usage.llm == SMALL


def test_a_call_can_be_ended_by_whoever_ends_the_run(run: FakeRun) -> None:
    make_vectors(Embed(SMALL, ("a",)).booked(caller()), {"openai": Vendor()}, run)

    assert len(run.stoppers) == 1


def test_a_call_that_was_shut_since_its_run_is_cancelled_is_no_fault(database: Pool) -> None:
    job = Embed(SMALL, ("a",)).booked(caller())

    with pytest.raises(Cancelled):
        make_vectors(job, {"openai": Away()}, FakeRun(stops=Cancelled(), after=0))
    with pytest.raises(UpstreamError):
        make_vectors(job, {"openai": Away()}, FakeRun())


@pytest.mark.parametrize(
    ("job", "error"),
    [
        (Embed("nobody", ("a",)), ModelNotFound),
        (Embed("mistral-embed", ("a",)), ModelNotAvailable),
        (Embed("ilm-hashing", ("a",), 12), Invalid),
        (Embed(SMALL, ("a",), 1_537), Invalid),
    ],
    ids=["unknown", "not served", "cannot shorten", "too long"],
)
def test_what_cannot_be_made_is_refused_before_it_is_a_job(
    job: Embed, error: type[IlmError]
) -> None:
    with pytest.raises(error):
        job.booked(caller())
