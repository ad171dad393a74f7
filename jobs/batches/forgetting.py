"""Forgetting a batch: its lines, its input and its results; what it cost stays in the books."""

from datetime import datetime

from jobs.files import forget
from models.batches import Batch, BatchLine
from models.files import File
from models.kernel.blobs import Blobs
from models.kernel.database import database
from models.kernel.errors import Detail, Invalid


def forget_batch(batch: Batch, blobs: Blobs, now: datetime) -> None:
    """Delete a batch that is over; raise `Invalid` for one that runs: it has to be cancelled."""
    if not batch.is_over:
        raise Invalid(details=[Detail("id", "The batch is still running: cancel it before.")])
    with database.unit():
        Batch.update(deleted_at=now).where(Batch.id == batch.id).execute()
        BatchLine.delete().where(BatchLine.batch_id == batch.id).execute()
    for file in File.select().where(File.batch_id == batch.id):
        forget(file, blobs, now)
    if batch.input_file_id is None:
        blobs.delete(batch.input_key)
