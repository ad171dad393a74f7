"""The actor that purges people who have left."""

from jobs.erasure import PurgePerson, purge_person
from jobs.shredding import Shredder
from workers.actors import declare
from workers.tools import Tools


def enlist(tools: Tools) -> None:
    """Declare the actor of purges."""

    def shredder() -> Shredder:
        return Shredder(
            queue=tools.queue, streams=tools.streams, blobs=tools.blobs, clock=tools.clock
        )

    declare(tools, PurgePerson, lambda job, run: purge_person(job, shredder(), run))
