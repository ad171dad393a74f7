"""Taking in a batch: its file is checked, then every line of it becomes a row."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from psycopg2.extras import Json

from jobs.batches.reading import LineFault, Numbered, Reader
from jobs.run import Effect, FinalFailure, Run
from models.batches import Batch
from models.kernel.blobs import Blobs
from models.kernel.errors import Invalid, Malformed, NotFound
from models.kernel.ids import derived_id

MOST_ROWS: Final = 500
MOST_BYTES: Final = 1 << 20

_KEEP: Final = """
insert into batch_line (id, batch_id, number, custom_id, wire, asked)
select line.id, %s, line.number, line.custom_id, line.wire, line.asked
from unnest(%s::uuid[], %s::integer[], %s::text[], %s::text[], %s::text[])
    as line (id, number, custom_id, wire, asked)
on conflict do nothing
"""
_BEGUN: Final = """
update batch set status = 'in_progress', total = %s, begun_at = now()
where id = %s and status = 'validating'
"""
_FAULTY: Final = "update batch set faults = %s where id = %s"


def take_in(batch: Batch, blobs: Blobs, run: Run) -> None:
    """Check the whole file, then keep its lines; done again after a crash, it changes nothing.

    Raises `FinalFailure` for a file with faults, which the batch then shows.
    """
    total = _checked(batch, blobs)
    for rows in _handfuls(Reader(batch.shape, batch.endpoint).lines(blobs.chunks(batch.input_key))):
        run.check()
        run.write(_KEEP, (batch.id, *_columns(batch, rows)))
    run.write(_BEGUN, (total, batch.id))


def _checked(batch: Batch, blobs: Blobs) -> int:
    """Return how many lines there are."""
    reader = Reader(batch.shape, batch.endpoint)
    try:
        reader.check(blobs.chunks(batch.input_key))
    except NotFound as error:
        raise _faulty(batch, [LineFault(code="file_gone", message="it was deleted")]) from error
    except Malformed as error:
        fault = LineFault(code="invalid_json_line", message=str(error))
        raise _faulty(batch, [*reader.faults, fault]) from error
    if reader.faults:
        raise _faulty(batch, reader.faults)
    return reader.count


def _faulty(batch: Batch, faults: list[LineFault]) -> FinalFailure:
    shown = Json([fault.to_row() for fault in faults])
    words = f"the input file is wrong: {faults[0].message}"
    return FinalFailure(Invalid(words), effects=(Effect(_FAULTY, (shown, batch.id)),))


def _handfuls(lines: Iterable[Numbered]) -> Iterator[list[tuple[Numbered, str]]]:
    """Yield lines with their JSON, as many together as one statement may carry."""
    rows: list[tuple[Numbered, str]] = []
    size = 0
    for line in lines:
        asked = line.asked
        if rows and (len(rows) >= MOST_ROWS or size + len(asked) > MOST_BYTES):
            yield rows
            rows, size = [], 0
        rows.append((line, asked))
        size += len(asked)
    if rows:
        yield rows


def _columns(batch: Batch, rows: list[tuple[Numbered, str]]) -> tuple[list[Any], ...]:
    return (
        [derived_id(batch.id, str(each.number)) for each, _ in rows],
        [each.number for each, _ in rows],
        [each.line.custom_id for each, _ in rows],
        [each.line.wire for each, _ in rows],
        [asked for _, asked in rows],
    )
