"""Pages: where their images are, how far they are, and drawing them again."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from falcon.asgi import Request, Response

from api.live.images import page_path
from api.resources.books import owned, seen
from api.resources.jobs import answer_job, keyed, sender_of
from api.schemas.books import GenerationSchema, PageSchema
from api.schemas.lists import page_of
from jobs.links import Links
from jobs.pages import progress
from jobs.pages.generate import GeneratePages
from jobs.pages.renderer import Tier
from jobs.queue import Queue, Wishes
from models.books import Book, Page
from models.jobs import JobRow
from models.kernel.clock import Clock
from models.kernel.errors import NotFound
from models.listings import Listing


class Pages:
    """The pages of one book."""

    def __init__(self, queue: Queue, links: Links, clock: Clock) -> None:
        """Take where jobs go, what signs addresses, and the time."""
        self._queue = queue
        self._links = links
        self._clock = clock

    def on_get(self, req: Request, resp: Response, book_id: UUID) -> None:
        """List pages with the addresses of their images (P-03)."""
        book, query = seen(req, book_id), dict(req.context.query)
        only = tiers_of(query.pop("resolution"))
        listing = Listing.of(Page.of(book), **query)
        resp.media = {
            "data": [self._body(page, only) for page in listing.data],
            "pagination": page_of(PageSchema).dump(listing)["pagination"],
            "metadata": {"totalPages": book.page_count, "generationStatus": book.pages_status},
        }

    def on_get_one(self, req: Request, resp: Response, book_id: UUID, number: int) -> None:
        """Show one page; one that is not drawn yet comes next (P-04)."""
        book = seen(req, book_id)
        page = Page.get_or_none(Page.book == book.id, Page.number == number)
        if page is None or Tier.MEDIUM not in page.sizes:
            progress.wish(book, number)
        if page is None:
            raise NotFound("there is no such page, or not yet")
        resp.media = self._body(page, tuple(Tier))

    def on_get_status(self, req: Request, resp: Response, book_id: UUID) -> None:
        """Tell how far the drawing is (P-07)."""
        book = seen(req, book_id)
        state = progress.of(book)
        resp.media = GenerationSchema().dump(
            {
                "status": book.pages_status,
                "progress": state.counts,
                "current_job": self._current(book, state),
                "failed_page_numbers": state.failed_numbers,
            }
        )
        resp.media["progress"] = state.counts

    def on_post_generate(self, req: Request, resp: Response, book_id: UUID) -> None:
        """Draw what is missing, or all anew (P-06); joins the drawing that goes on already."""
        book = owned(req, book_id)
        going_on = JobRow.latest_about(book.id, GeneratePages.name)
        if going_on is None or going_on.is_over:
            job = GeneratePages(book.id, again=req.context.body["again"])
            going_on = self._queue.put(job, sender_of(req), keyed(req, Wishes()))
        answer_job(resp, going_on)

    def _body(self, page: Page, only: tuple[Tier, ...]) -> dict[str, Any]:
        drawn = [tier for tier in only if tier in page.sizes]
        body: dict[str, Any] = {
            "pageNumber": page.number,
            "dimensions": {"width": _tidy(page.width), "height": _tidy(page.height)},
            "urls": {wire_tier(tier): None for tier in only},
            "fileSizes": {wire_tier(tier): page.sizes.get(tier) for tier in only},
        }
        for tier in drawn:
            path = page_path(page.book_id, tier, page.number)
            body["urls"][wire_tier(tier)] = self._links.sign(path)
        clamped = [wire_tier(tier) for tier in map(Tier, page.clamped) if tier in only]
        return {**body, "clamped": clamped} if clamped else body

    def _current(self, book: Book, state: progress.State) -> dict[str, Any] | None:
        """Return the job that draws, and when it may be done at the pace it has had."""
        job = JobRow.latest_about(book.id, GeneratePages.name)
        if job is None or job.is_over:
            return None
        left = state.counts["totalPages"] - state.counts["completedPages"]
        estimate = self._estimate(job, left)
        return {"id": job.id, "started_at": job.started_at, "estimated_completion": estimate}

    def _estimate(self, job: JobRow, left: int) -> datetime | None:
        if job.started_at is None or not job.completed:
            return None
        now = self._clock.now()
        pace: timedelta = (now - job.started_at) / job.completed
        later: datetime = now + max(pace * left, timedelta())
        return later


def wire_tier(tier: Tier) -> str:
    """Return a tier's name in JSON: `highRes` where paths say `high-res`."""
    return "highRes" if tier is Tier.HIGH_RES else tier.value


def tiers_of(resolution: str | None) -> tuple[Tier, ...]:
    """Return the tiers a filter asks for; all when there is none."""
    if resolution is None:
        return tuple(Tier)
    return tuple(tier for tier in Tier if resolution in {tier.value, wire_tier(tier)})


def _tidy(points: float) -> float | int:
    """Return a size without digits that mean nothing: 612, 595.28."""
    rounded = round(points, 2)
    return int(rounded) if rounded == int(rounded) else rounded
