"""The canary: a job that says back what it is told, used by operators and benchmarks."""

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from jobs.job import Job
from jobs.run import Outcome, Run


@dataclass(frozen=True, slots=True)
class Echo(Job):
    """Stream a text back in `chunks` pieces, `interval_ms` milliseconds apart."""

    name: ClassVar[str] = "system.echo"
    queue: ClassVar[str] = "default"
    is_public: ClassVar[bool] = True

    text: str
    chunks: int = 1
    interval_ms: int = 0


def echo(job: Echo, run: Run) -> Outcome:
    """Stream the pieces in order; together they are the text, whatever `chunks` is."""
    for index, piece in enumerate(pieces(job.text, job.chunks)):
        if index and job.interval_ms:
            run.wait(job.interval_ms / 1000)
        run.check()
        run.delta(piece)
        if job.chunks > 1:
            run.progress(index + 1, job.chunks)
    return Outcome({"text": job.text})


def pieces(text: str, count: int) -> list[str]:
    """Cut a text into `count` pieces of nearly equal length; some are empty if it is short."""
    cuts = [len(text) * index // count for index in range(count + 1)]
    return [text[start:end] for start, end in pairwise(cuts)]
