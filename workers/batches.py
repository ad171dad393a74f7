"""The actor that runs batches: on threads of its own, so that calls never wait for a batch."""

from functools import partial
from random import Random

from dramatiq import actor

from jobs.batches.lines import Bench
from jobs.batches.open import RunBatch
from jobs.batches.room import Room
from jobs.batches.run import run_batch
from jobs.llms.admission import Admission
from jobs.llms.embed import Embedders
from jobs.llms.preparing import Planner
from jobs.llms.question import Llms
from jobs.safety.screen import SafetyService
from jobs.safety.second_opinion import moderator_of
from models.kernel.logs import get_logger
from workers.tools import Tools

log = get_logger(__name__)


def enlist_batches(tools: Tools, llms: Llms, embedders: Embedders, safety: SafetyService) -> None:
    """Declare the actor. A message that finds no place is dropped: the reconciler sends another."""
    planner = Planner(tools.settings, tools.clock)
    bench = Bench(
        llms=llms,
        embedders=embedders,
        planner=planner,
        admission=Admission(planner, moderator_of(tools.settings, safety, llms.breakers)),
        safety=safety,
        blobs=tools.blobs,
        room=Room(),
        workroom=tools.workroom,
        dice=Random(),  # noqa: S311 - jitter, not a secret
    )

    @actor(broker=tools.broker, actor_name=RunBatch.name, queue_name=RunBatch.queue)
    def carry_out(job_id: str) -> None:
        work = partial(
            tools.desk.carry_out, job_id, RunBatch, lambda job, run: run_batch(job, bench, run)
        )
        if not bench.room.host(work):
            log.info("batch.no_place", job_id=job_id)
