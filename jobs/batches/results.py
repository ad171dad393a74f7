"""What a batch came to, line by line in the order of its input; of one that runs, so far."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from jobs.batches.lines import refusal_of
from models.batches import (
    ANSWERED,
    ANTHROPIC,
    CANCELLED,
    EXPIRED,
    FAILED,
    WAITING,
    Batch,
    BatchLine,
)
from models.files import File
from models.kernel.errors import Cancelled, DeadlineExceeded, IlmError

PAGE: Final = 200

OUTPUT: Final = "output"
ERRORS: Final = "errors"


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines as JSONL, and the number of the last; no text when there are no more."""

    text: str
    last: int


def part_of(batch: Batch, file: File) -> str:
    """Return which part of a batch a file holds."""
    return ERRORS if file.id == batch.error_file_id else OUTPUT


def states_of(batch: Batch, part: str) -> tuple[str, ...]:
    """Return the states of the lines of a part; those never run belong to the errors at the end."""
    never_run = (WAITING,) if batch.is_over else ()
    failed = (FAILED, CANCELLED, *never_run)
    if batch.shape == ANTHROPIC:
        return (ANSWERED, *failed)
    return failed if part == ERRORS else (ANSWERED,)


def page_after(batch: Batch, part: str, number: int) -> Page:
    """Return the lines that follow one."""
    lines = (
        BatchLine.select()
        .where(
            BatchLine.batch_id == batch.id,
            BatchLine.number > number,
            BatchLine.state.in_(states_of(batch, part)),
        )
        .order_by(BatchLine.number)
        .limit(PAGE)
    )
    text, last = [], number
    for line in lines:
        text.append(line.written or refusal_of(batch, line, _reason(batch)))
        last = line.number
    return Page("".join(f"{written}\n" for written in text), last)


def pages(batch: Batch, part: str) -> Iterator[str]:
    """Yield a part, page by page."""
    page = page_after(batch, part, 0)
    while page.text:
        yield page.text
        page = page_after(batch, part, page.last)


def _reason(batch: Batch) -> IlmError:
    """Return why a line was never run."""
    if batch.status == CANCELLED:
        return Cancelled("the batch was cancelled")
    if batch.status == EXPIRED:
        return DeadlineExceeded("the batch was not done before its deadline")
    return IlmError("the batch failed before this line was asked")
