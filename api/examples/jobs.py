"""The events of a job that says back what it is told."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from api.examples.moments import FINISHED, NOW
from api.live.streams import RETRY_MS, JobTeller, Numbered
from api.schemas.wire import example_id
from jobs.queue import job_body
from jobs.streams import END, PER_ATTEMPT, encoded, progress_body
from jobs.system import Echo
from models.jobs import JobRow
from models.kernel.ids import parse_id

_TEXT: Final = "hello"


def queued(kind: str) -> dict[str, Any]:
    """Return what of a job that has just been submitted is not as in the example of its schema."""
    begun = {"progress": progress_body(0, 0), "attempt": 0, "startedAt": None}
    return {"type": kind, "status": "queued", **begun}


def watched() -> str:
    """Return the stream of the job's events."""
    teller = JobTeller()
    frames = [frame for event in _events() for frame in teller.tell(event)]
    return f"retry: {RETRY_MS}\n\n" + "".join(each.serialize(None).decode() for each in frames)


def _events() -> Iterator[Numbered]:
    yield _numbered(0, "status", status="queued")
    yield _numbered(PER_ATTEMPT + 1, "status", status="running", attempt=1)
    yield _numbered(PER_ATTEMPT + 2, "delta", text=_TEXT)
    end: Mapping[str, Any] = {"status": "succeeded", "job": job_body(_row())}
    yield _numbered(PER_ATTEMPT + END, "end", **end)


def _numbered(seq: int, kind: str, **fields: Any) -> Numbered:
    return seq, encoded(seq, kind, **fields)


def _row() -> JobRow:
    return JobRow(
        id=parse_id("job", example_id("job")), type=Echo.name, state="succeeded", attempt=1,
        max_attempts=5, completed=0, total=0, result={"text": _TEXT},
        created_at=NOW, started_at=NOW, finished_at=FINISHED,
    )  # fmt: skip
