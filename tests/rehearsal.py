"""Rehearsing: the database believes that it is some moment, as for the end of a month."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from models.kernel.database import Pool


@contextmanager
def rehearsed(database: Pool, moment: datetime) -> Iterator[None]:
    """Let one transaction believe that it is some moment."""
    offset = moment - datetime.now(UTC)
    with database.unit():
        seconds = f"{offset.total_seconds():.3f} seconds"
        database.rows("select set_config('ilm.rehearsal', %s, true)", (seconds,))
        yield
        database.rows("select set_config('ilm.rehearsal', '', true)")
