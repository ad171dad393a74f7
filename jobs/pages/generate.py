"""Page images: four tiers of every page, drawn in the order readers need them (P-01, P-02)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final
from uuid import UUID

from psycopg2.extras import Json

from jobs.events import Happening
from jobs.job import Job
from jobs.pages.books import Desk, opened
from jobs.pages.renderer import ALL_TIERS, SMALL, DrawnPage, FailedPage, Order, Renderer, Tier
from jobs.run import Effect, FinalFailure, Outcome, Run
from models.books import Book, Page
from models.kernel.blobs import Blobs
from models.kernel.database import database
from models.kernel.errors import DocumentCorrupt
from models.kernel.ids import wire_id

FIRST_PAGES: Final = 16
"""Pages whose three small tiers come before anything else."""
PROGRESS_STEP: Final = 10

_BEGIN: Final = """
update book set pages_status = 'processing', page_count = %s, error_code = null,
                error_message = null, updated_at = now()
where id = %s
"""
_DRAWN: Final = """
insert into page (book_id, number, width, height, sizes, clamped, drawn_at)
values (%s, %s, %s, %s, %s, %s, now())
on conflict (book_id, number) do update
set width = excluded.width, height = excluded.height, sizes = page.sizes || excluded.sizes,
    clamped = excluded.clamped, failure = null, drawn_at = now()
"""
_FAILED: Final = """
insert into page (book_id, number, width, height, failure, drawn_at)
values (%s, %s, 0, 0, %s, now())
on conflict (book_id, number) do update set failure = excluded.failure, drawn_at = now()
"""
_COVER: Final = "update book set cover = %s, updated_at = now() where id = %s"
_DONE: Final = "update book set pages_status = %s, updated_at = now() where id = %s"
_WISHES: Final = "delete from page_wish where book_id = %s returning number"


@dataclass(frozen=True, slots=True)
class GeneratePages(Job):
    """Draw every page of a book that has no images yet; with `again`, all of them anew."""

    name: ClassVar[str] = "pages.generate"
    queue: ClassVar[str] = "pages"
    is_public: ClassVar[bool] = True

    book_id: UUID
    again: bool = False

    @property
    def subject(self) -> UUID:
        """The book."""
        return self.book_id


@dataclass(slots=True)
class Plan:
    """Which pages lack what, and the order they are drawn in."""

    page_count: int
    small: set[int] = field(default_factory=set)
    whole: set[int] = field(default_factory=set)
    failed: set[int] = field(default_factory=set)

    def orders(self, book_id: UUID) -> Iterator[Order]:
        """Yield orders: the first pages small, then all whole; a wished page comes next, small.

        A page that is drawn whole needs no small order any more; one that failed is not retried.
        """
        pending = iter(range(1, self.page_count + 1))
        for number in range(1, min(FIRST_PAGES, self.page_count) + 1):
            if number not in self.small | self.failed:
                yield Order(number, SMALL)
        for number in pending:
            for wished in self._wished(book_id):
                yield Order(wished, SMALL)
            if number in self.whole or number in self.failed:
                continue
            is_viewable = number in self.small
            yield Order(number, (Tier.ULTRA,) if is_viewable else ALL_TIERS)

    def _wished(self, book_id: UUID) -> list[int]:
        wishes = {number for (number,) in database.rows(_WISHES, (book_id,))}
        known = self.small | self.whole | self.failed
        return sorted(n for n in wishes - known if 1 <= n <= self.page_count)

    def drawn(self, page: DrawnPage) -> None:
        """Note what a page has now."""
        self.failed.discard(page.number)
        if Tier.MEDIUM in page.files:
            self.small.add(page.number)
        if Tier.ULTRA in page.files:
            self.whole.add(page.number)

    @property
    def result(self) -> dict[str, int]:
        """The progress, as P-07 counts it."""
        return progress_of(self.page_count, len(self.whole), len(self.small), len(self.failed))

    @property
    def status(self) -> str:
        """What the book's pages are when nothing more is to be done."""
        if not self.small and not self.whole:
            return "failed"
        return "partial" if self.failed else "completed"


def generate_pages(
    job: GeneratePages, renderer: Renderer, blobs: Blobs, workroom: Path, run: Run
) -> Outcome:
    """Draw and keep the missing pages; a page drawn already is left as it is (ARCHITECTURE §5.10).

    One failing page does not stop the rest. No page at all is a failure.
    """
    with opened(job.book_id, blobs, workroom) as desk:
        count = desk.book.page_count or _count(renderer, desk, run)
        plan = _plan(job, desk.book, count, run)
        run.write(_BEGIN, (count, job.book_id))
        _tell(run, desk.book, "started", plan)
        orders = plan.orders(job.book_id)
        for page in renderer.draw(desk.source, orders, desk.scratch, check=run.check):
            _keep(page, plan, desk.book, blobs, run)
        if plan.status == "failed":
            cause = DocumentCorrupt("not one page of the document could be drawn")
            raise FinalFailure(cause, _ending(run, desk.book, plan))
        return Outcome(plan.result, effects=_ending(run, desk.book, plan))


def progress_of(total: int, completed: int, viewable: int, failed: int) -> dict[str, int]:
    """Return progress as P-07 shows it; a page is completed when all four tiers exist."""
    return {
        "totalPages": total,
        "completedPages": completed,
        "viewablePages": viewable,
        "failedPages": failed,
        "percentage": completed * 100 // total if total else 0,
    }


def page_key(book_id: UUID, tier: str, number: int) -> str:
    """Return where the image of a page is kept."""
    return f"books/{book_id.hex}/pages/{tier}/{number}.jpg"


def _count(renderer: Renderer, desk: Desk, run: Run) -> int:
    with renderer.read(desk.source, check=run.check) as reading:
        return reading.facts.page_count


def _plan(job: GeneratePages, book: Book, count: int, run: Run) -> Plan:
    """Find what an earlier attempt, or an earlier job, has finished."""
    plan = Plan(count)
    for page in Page.of(book):
        is_stale = job.again and (page.drawn_at is None or page.drawn_at < run.created_at)
        if is_stale or page.number > count:
            continue
        if Tier.MEDIUM in page.sizes:
            plan.small.add(page.number)
        if Tier.ULTRA in page.sizes:
            plan.whole.add(page.number)
        if page.failure is not None and page.drawn_at and page.drawn_at >= run.created_at:
            plan.failed.add(page.number)
    return plan


def _keep(page: DrawnPage | FailedPage, plan: Plan, book: Book, blobs: Blobs, run: Run) -> None:
    before = plan.result["percentage"] // PROGRESS_STEP
    if isinstance(page, FailedPage):
        run.write(_FAILED, (book.id, page.number, page.reason.value))
        plan.failed.add(page.number)
    else:
        _keep_drawn(page, book, blobs, run)
        plan.drawn(page)
    run.progress(len(plan.whole) + len(plan.failed - plan.whole), plan.page_count)
    if plan.result["percentage"] // PROGRESS_STEP > before:
        _tell(run, book, "progress", plan)


def _keep_drawn(page: DrawnPage, book: Book, blobs: Blobs, run: Run) -> None:
    for tier, file in page.files.items():
        blobs.put_file(page_key(book.id, tier, page.number), file.path)
        file.path.unlink()
    sizes = {tier.value: file.size_bytes for tier, file in page.files.items()}
    clamped = [tier.value for tier in page.clamped]
    size = (page.width, page.height)
    run.write(_DRAWN, (book.id, page.number, *size, Json(sizes), clamped))
    if page.number == 1 and Tier.MEDIUM in page.files:
        run.write(_COVER, (Json(_cover(page, book.id)), book.id))


def _cover(page: DrawnPage, book_id: UUID) -> dict[str, Any]:
    file = page.files[Tier.MEDIUM]
    return {
        "key": page_key(book_id, Tier.MEDIUM, 1),
        "width": file.width_px,
        "height": file.height_px,
        "size": file.size_bytes,
    }


def _happening(run: Run, book: Book, step: str, plan: Plan) -> Happening:
    """Make an event of P-10, which one job causes once, however often it is tried."""
    mark = f":{plan.result['percentage'] // PROGRESS_STEP}" if step == "progress" else ""
    data = {"book": {"id": wire_id("book", book.id)}, "progress": plan.result}
    once = f"pages:{run.job_id}:{step}{mark}"
    return Happening(book.account_id, book.mode, f"book.pages.generation.{step}", data, once)


def _tell(run: Run, book: Book, step: str, plan: Plan) -> None:
    effect = _happening(run, book, step, plan).effect
    run.write(effect.sql, effect.parameters)


def _ending(run: Run, book: Book, plan: Plan) -> list[Effect]:
    step = "failed" if plan.status == "failed" else "completed"
    return [
        Effect(_DONE, (plan.status, book.id)),
        _happening(run, book, step, plan).effect,
    ]
