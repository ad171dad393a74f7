"""Factories of experiments: two LLMs compared, and what each answered."""

from typing import Any

from models.evaluation import Experiment
from models.kernel.ids import new_id
from tests.making import Row, inserted, made, numbers


def experiment(**given: Any) -> Experiment:
    """Two LLMs compared, half of the accounts each."""
    usual = {"name": f"test-{next(numbers)}", "llm_a": "gpt-4o-mini", "llm_b": "gpt-4o"}
    return made(Experiment, {**usual, "share": 50, **given}, "name")


def experiment_answer(of: Experiment | None = None, **given: Any) -> Row:
    """An answer of the first of two LLMs."""
    usual = {"job_id": new_id(), "experiment": (of or experiment()).name, "arm": "a"}
    return inserted("experiment_answer", {**usual, **given})
