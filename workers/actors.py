"""Actors: one a job type, declared when a process enlists its queues and never at import."""

from collections.abc import Callable
from typing import TypeVar

from dramatiq import actor

from jobs.job import Job
from jobs.run import Outcome
from workers.runs import ActiveRun
from workers.tools import Tools

J = TypeVar("J", bound=Job)


def declare(tools: Tools, kind: type[J], function: Callable[[J, ActiveRun], Outcome]) -> None:
    """Declare the actor of a job type: it rebuilds the value, hands it over, and stops."""

    @actor(broker=tools.broker, actor_name=kind.name, queue_name=kind.queue)
    def carry_out(job_id: str) -> None:
        tools.desk.carry_out(job_id, kind, function)
