"""Evaluation: how LLMs do, read from every call there was (E-01, E-02, E-04, E-05, M-44).

Times are milliseconds, days those of UTC. Only calls that were served count for times; a call the
caller cancelled is neither a success nor a failure.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Self

from peewee import CharField, SmallIntegerField
from playhouse.postgres_ext import DateTimeTZField

from models.kernel.database import Table, database

_MEASURES: Final = """
    count(*),
    count(*) filter (where outcome = 'served'),
    count(*) filter (where outcome = 'failed'),
    percentile_disc(array[0.5, 0.95]) within group (order by first_ms)
        filter (where outcome = 'served' and first_ms is not null),
    percentile_disc(array[0.5, 0.95]) within group (order by whole_ms)
        filter (where outcome = 'served'),
    coalesce(sum(tokens_in) filter (where outcome = 'served'), 0),
    coalesce(sum(tokens_out) filter (where outcome = 'served'), 0)
"""
_BY_LLM: Final = f"""
select vendor, llm, (created_at at time zone 'UTC')::date as day, {_MEASURES}
from llm_call
where created_at >= date_trunc('day', now(), 'UTC') - make_interval(days => %s - 1)
group by grouping sets ((vendor, llm), (vendor, llm, day))
order by vendor, llm, day desc nulls first
"""
_BY_ARM: Final = f"""
select arm, {_MEASURES}
from experiment_answer join llm_call using (job_id)
where experiment = %s group by arm
"""
_COSTS: Final = """
select arm, count(distinct answer.job_id), coalesce(sum(cost_nano), 0)::bigint
from experiment_answer answer left join usage_line using (job_id)
where experiment = %s group by arm
"""
_RATED: Final = """
select message.vendor, message.llm, count(*) filter (where rating = 1),
       count(*) filter (where rating = -1)
from message_feedback feedback join message on message.id = feedback.message_id
where feedback.updated_at >= date_trunc('day', now(), 'UTC') - make_interval(days => %s - 1)
group by message.vendor, message.llm
"""
_RATED_BY_ARM: Final = """
select arm, count(*) filter (where rating = 1), count(*) filter (where rating = -1)
from experiment_answer answer
join message_feedback feedback on feedback.message_id = answer.job_id
where experiment = %s group by arm
"""

RECORD_ANSWER: Final = """
insert into experiment_answer (job_id, experiment, arm) values (%s, %s, %s) on conflict do nothing
"""
"""Notes to which arm of which experiment a job's answer belongs."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How long something takes: half of the time at most `p50`, nearly always at most `p95`."""

    p50: int
    p95: int

    @classmethod
    def of(cls, measured: list[int] | None) -> Self | None:
        """Return what was measured, None when nothing was."""
        return cls(*measured) if measured else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Some calls, summed up: to their first token, to their end, tokens in and out."""

    calls: int = 0
    served: int = 0
    failed: int = 0
    first_ms: Spread | None = None
    whole_ms: Spread | None = None
    tokens_in: int = 0
    tokens_out: int = 0

    @classmethod
    def of(cls, columns: tuple[Any, ...]) -> Self:
        """Read the columns of a query."""
        calls, served, failed, first, whole, tokens_in, tokens_out = columns
        return cls(
            calls=calls, served=served, failed=failed, first_ms=Spread.of(first),
            whole_ms=Spread.of(whole), tokens_in=tokens_in, tokens_out=tokens_out,
        )  # fmt: skip

    @property
    def success_rate(self) -> float | None:
        """Which part of the calls that nobody cancelled was served."""
        ended = self.served + self.failed
        return round(self.served / ended, 4) if ended else None

    @property
    def output_ratio(self) -> float | None:
        """How many tokens came for one that went in (E-02)."""
        return round(self.tokens_out / self.tokens_in, 4) if self.tokens_in else None


@dataclass(frozen=True, slots=True)
class Rating:
    """What people thought of answers: how many were good, how many bad (E-03)."""

    up: int = 0
    down: int = 0


class Experiment(Table):
    """Two LLMs compared where Ilm chooses: `share` percent of the accounts get `llm_b` (E-05)."""

    name = CharField(primary_key=True)
    llm_a = CharField()
    llm_b = CharField()
    share = SmallIntegerField()
    created_at = DateTimeTZField()
    ended_at = DateTimeTZField(null=True)

    @classmethod
    def running(cls) -> Self | None:
        """Return the one that runs now; there is at most one."""
        found: Self | None = cls.get_or_none(cls.ended_at.is_null())
        return found


def measured_by_llm(days: int) -> list[tuple[str, str, date | None, Measures]]:
    """Return the measures of each vendor's LLMs, of all the days (None) and of each, newest first.

    Today is the first of the days.
    """
    rows = database.rows(_BY_LLM, (days,))
    return [(vendor, llm, day, Measures.of(rest)) for vendor, llm, day, *rest in rows]


def measured_by_arm(name: str) -> dict[str, Measures]:
    """Return the measures of each arm of an experiment that has answered."""
    return {arm: Measures.of(rest) for arm, *rest in database.rows(_BY_ARM, (name,))}


def costs_by_arm(name: str) -> dict[str, tuple[int, int]]:
    """Return how many answers each arm gave, and what their owners paid in nano-USD."""
    return {arm: (answers, nano) for arm, answers, nano in database.rows(_COSTS, (name,))}


def rated_by_llm(days: int) -> dict[tuple[str, str], Rating]:
    """Return what people thought of each vendor's LLMs in so many days."""
    rows = database.rows(_RATED, (days,))
    return {(vendor, llm): Rating(up, down) for vendor, llm, up, down in rows}


def rated_by_arm(name: str) -> dict[str, Rating]:
    """Return what people thought of each arm's answers."""
    return {arm: Rating(up, down) for arm, up, down in database.rows(_RATED_BY_ARM, (name,))}
