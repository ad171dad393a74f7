"""A worker that serves the usual queues, and the jobs of chaos beside them.

`python -m tests.chaos.worker default|llm|pages`, with the settings of any worker.
"""

import os
import sys
from pkgutil import resolve_name
from typing import cast

from jobs.run import Run
from models.catalogue.queues import queues
from models.kernel.logs import log_to_stderr
from models.kernel.settings import load
from tests.chaos.jobs import Ask, Charge, charge, rest
from workers.__main__ import CREWS, serve
from workers.actors import declare
from workers.runs import ActiveRun
from workers.tools import Tools, build


def enlist(tools: Tools, kind: type[Charge]) -> None:
    """Declare the actor of one kind of charged job."""
    lease = queues()[kind.queue].lease_seconds(tools.settings)

    def stall(run: Run, leases: float) -> None:
        tools.heart.remove(cast("ActiveRun", run))  # the worker's own runs are the only ones
        rest(leases * lease)

    declare(tools, kind, lambda job, run: charge(job, run, stall))


def main(kind: str) -> None:
    """Serve until told to stop."""
    settings = load()
    log_to_stderr(settings.log_level)
    tools = build(settings, kind)
    for name in CREWS[kind]:
        resolve_name(name)(tools)
    for own in (Charge, Ask):
        if queues()[own.queue].worker == kind:
            enlist(tools, own)
    serve(tools, kind)


if __name__ == "__main__":
    main(sys.argv[1])
    sys.stderr.flush()
    os._exit(0)
