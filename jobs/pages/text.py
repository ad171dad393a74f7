"""Text first: what search, chat and citations need, long before the images are drawn."""

import struct
import sys
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import ClassVar, Final
from uuid import UUID

from jobs.job import Job
from jobs.pages.books import opened
from jobs.pages.renderer import FailedPage, PageText, Renderer, Word
from jobs.run import Effect, Outcome, Run
from models.kernel.blobs import Blobs

BATCH: Final = 64

_FACTS: Final = """
update book set page_count = %s, author = coalesce(author, %s), language = coalesce(language, %s),
                text_status = 'processing', updated_at = now()
where id = %s
"""
_KEEP: Final = """
with given as (
    select * from unnest(%s::integer[], %s::real[], %s::real[], %s::text[], %s::bytea[])
        as page (number, width, height, content, words)
), sizes as (
    insert into page (book_id, number, width, height)
    select %s, number, width, height from given
    on conflict (book_id, number) do nothing
)
insert into page_text (book_id, number, content, words)
select %s, number, content, words from given
on conflict (book_id, number) do update set content = excluded.content, words = excluded.words
"""
_DONE: Final = "update book set text_status = %s, updated_at = now() where id = %s"


@dataclass(frozen=True, slots=True)
class ReadText(Job):
    """Read the text of every page of a book, with the box of every word."""

    name: ClassVar[str] = "book.text"
    queue: ClassVar[str] = "default"

    book_id: UUID

    @property
    def subject(self) -> UUID:
        """The book."""
        return self.book_id


def read_text(job: ReadText, renderer: Renderer, blobs: Blobs, workroom: Path, run: Run) -> Outcome:
    """Keep the text of a book, page by page; reading it again changes nothing."""
    with (
        opened(job.book_id, blobs, workroom) as desk,
        renderer.read(desk.source, check=run.check) as reading,
    ):
        facts = reading.facts
        run.write(_FACTS, (facts.page_count, facts.author, facts.language, job.book_id))
        read = failed = 0
        for batch in _batches(reading):
            pages = [page for page in batch if isinstance(page, PageText)]
            failed += len(batch) - len(pages)
            read += len(pages)
            _keep(pages, job.book_id, run)
            run.progress(read + failed, facts.page_count)
    status = "failed" if not read else "partial" if failed else "completed"
    return Outcome(
        {"pages": read, "failed": failed}, effects=[Effect(_DONE, (status, job.book_id))]
    )


def packed(words: Iterable[Word]) -> bytes:
    """Write words and their boxes small and fast; PostgreSQL compresses what is long.

    A 32-bit count, four 32-bit edges a word in tenths of a point, little-endian, then the words
    in UTF-8, a line each.
    """
    kept = list(words)
    edges = array("i", [int(edge * 10 + 0.5) for word in kept for edge in word[1:]])
    head = array("i", [len(kept)])
    if sys.byteorder == "big":
        edges.byteswap()
        head.byteswap()
    return head.tobytes() + edges.tobytes() + "\n".join(word.text for word in kept).encode()


def unpacked(data: bytes) -> list[Word]:
    """Read what `packed` wrote."""
    (count,) = struct.unpack_from("<i", data)
    edges = struct.unpack_from(f"<{4 * count}i", data, 4)
    texts = data[4 + 16 * count :].decode().split("\n") if count else []
    boxes = zip(*(iter(edge / 10 for edge in edges),) * 4, strict=True)
    return [Word(text, *box) for text, box in zip(texts, boxes, strict=True)]


def _keep(pages: list[PageText], book_id: UUID, run: Run) -> None:
    if not pages:
        return
    run.write(
        _KEEP,
        (
            [page.number for page in pages],
            [page.width for page in pages],
            [page.height for page in pages],
            [page.text.replace("\0", "") for page in pages],
            [packed(page.words) for page in pages],
            book_id,
            book_id,
        ),
    )


def _batches(
    pages: Iterable[PageText | FailedPage],
) -> Iterator[list[PageText | FailedPage]]:
    iterator = iter(pages)
    while batch := list(islice(iterator, BATCH)):
        yield batch
