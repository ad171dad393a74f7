"""Closing a batch: what its lines came to becomes files."""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

from jobs.batches.lines import Bench
from jobs.batches.results import ERRORS, OUTPUT, pages
from jobs.files import key_of
from jobs.run import Effect
from models.batches import Batch
from models.files import File

_WRITTEN: Final = "update file set key = %s, size = %s where id = %s and deleted_at is null"


def written_files(batch: Batch, bench: Bench) -> Iterator[Effect]:
    """Write the files of a batch whose status is final; yield what makes them known.

    Until then, and for ever if this fails, they are read from the lines.
    """
    for part, file_id in ((OUTPUT, batch.output_file_id), (ERRORS, batch.error_file_id)):
        file: File | None = File.get_or_none(File.id == file_id, File.deleted_at.is_null())
        if file is not None:
            yield _write(batch, part, file.id, bench)


def _write(batch: Batch, part: str, file_id: UUID, bench: Bench) -> Effect:
    path = bench.workroom / f"batch-{file_id.hex}.jsonl"
    try:
        with path.open("w", encoding="utf-8") as out:
            out.writelines(pages(batch, part))
        key, size = key_of(batch.account_id, file_id), path.stat().st_size
        bench.blobs.put_file(key, path)
    finally:
        path.unlink(missing_ok=True)
    return Effect(_WRITTEN, (key, size, file_id))
