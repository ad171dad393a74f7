"""Opening a batch: its row, its files and its job, or none of them; and cancelling it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from psycopg2.extras import Json

from jobs.files import keep_output
from jobs.job import Job
from jobs.llms.preparing import Asker
from jobs.queue import Queue, Sender, Wishes
from models import engine
from models.batches import Batch
from models.engine import Accepted
from models.jobs import JobRow
from models.kernel.database import database
from models.kernel.ids import new_id, wire_id

DAY_SECONDS: Final = 86_400

_OPEN: Final = """
insert into batch (id, account_id, mode, job_id, shape, endpoint, input_key, input_file_id,
                   output_file_id, error_file_id, tier, ai_preferences, metadata, expires_at)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, now() + make_interval(secs => %s))
"""
_CANCELLING: Final = """
update batch set cancelling_at = coalesce(cancelling_at, %s) where id = %s and ended_at is null
"""


@dataclass(frozen=True, slots=True)
class RunBatch(Job):
    """Answer the lines of a batch."""

    name: ClassVar[str] = "batch.run"
    queue: ClassVar[str] = "batch"

    batch_id: UUID

    @property
    def subject(self) -> UUID | None:
        """The batch."""
        return self.batch_id


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBatch:
    """A batch to be opened. `input_key` is the blob with its lines, `endpoint` what they ask."""

    shape: str
    endpoint: str
    input_key: str
    input_file_id: UUID | None = None
    metadata: Mapping[str, str] | None = None
    has_errors_apart: bool = True
    """Whether lines that fail go to a file of their own."""


def open_batch(new: NewBatch, sender: Sender, asker: Asker, queue: Queue) -> tuple[UUID, Accepted]:
    """Write a batch and accept its job, in the transaction that is open.

    Returns its id, and what is to be posted after the commit. Raises what `engine.accept` raises.
    """
    batch_id = new_id()
    draft = queue.draft(RunBatch(batch_id), sender, Wishes(deadline_seconds=DAY_SECONDS))
    name = wire_id("batch", batch_id)
    place = (batch_id, sender.account_id, sender.mode)
    output = keep_output(*place, f"{name}_output.jsonl")
    errors = keep_output(*place, f"{name}_errors.jsonl") if new.has_errors_apart else None
    database.rows(
        _OPEN,
        (
            *place, draft.id, new.shape, new.endpoint, new.input_key, new.input_file_id, output,
            errors, asker.tier, Json(dict(asker.ai_preferences)), _json(new.metadata), DAY_SECONDS,
        ),
    )  # fmt: skip
    return batch_id, engine.accept(draft)


def cancel_batch(batch: Batch, queue: Queue, now: datetime) -> Batch:
    """Stop a batch in any state: lines that are answered stay so; return it as it is now."""
    database.rows(_CANCELLING, (now, batch.id))
    queue.cancel(JobRow.get_by_id(batch.job_id))
    fresh: Batch = Batch.get_by_id(batch.id)
    return fresh


def _json(value: Mapping[str, Any] | None) -> Json | None:
    return None if value is None else Json(dict(value))
