"""Pages being drawn by a child, which is replaced when a page takes it down or wears it out."""

from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from jobs.pages.renderer import (
    ALL_TIERS,
    Check,
    DrawnFile,
    DrawnPage,
    FailedPage,
    Failure,
    Order,
    Tier,
)
from models.kernel.clock import Clock
from models.kernel.logs import get_logger
from workers.adapters.pages.process import ChildLate, ChildLost
from workers.adapters.pages.sessions import Limits, Session

log = get_logger(__name__)

IN_FLIGHT: Final = 2
"""Orders a child holds: one to draw while the page before it is being kept."""

_HEAP: Final = (Failure.CRASHED, Failure.MEMORY)
"""Failures that may be the fault of the pages before."""


class Drawing:
    """One call of `draw`."""

    def __init__(
        self,
        task: dict[str, Any],
        orders: Iterable[Order],
        limits: Limits,
        clock: Clock,
        check: Check,
    ) -> None:
        """Open nothing yet."""
        self._task = task
        self._scratch = Path(task["scratch"])
        self._orders = iter(orders)
        self._limits = limits
        self._clock = clock
        self._check = check
        self._waiting: deque[Order] = deque()
        self._session: Session | None = None
        self._served = 0

    def pages(self) -> Iterator[DrawnPage | FailedPage]:
        """Yield a page for every order, with the next ones already on their way."""
        self._child()
        self._fill()
        while self._waiting:
            page = self._next()
            self._waiting.popleft()
            self._fill()
            yield page

    def end(self) -> None:
        """Kill the child and remove the files of pages that were never yielded."""
        self._dismiss()
        for order in self._waiting:
            self._forget(order)

    def _fill(self) -> None:
        while len(self._waiting) < IN_FLIGHT and (order := next(self._orders, None)):
            self._waiting.append(order)
            if self._session:
                self._send(self._session, order)

    def _next(self) -> DrawnPage | FailedPage:
        """Wait for the page that was ordered first; try it once more on a fresh child."""
        order = self._waiting[0]
        while True:
            session = self._child()
            is_fresh = self._served == 0
            page = self._answer(session, order)
            if isinstance(page, DrawnPage):
                return page
            self._forget(order)
            if page.reason not in _HEAP or is_fresh:
                return page
            self._dismiss()

    def _answer(self, session: Session, order: Order) -> DrawnPage | FailedPage:
        try:
            answer = session.child.receive(self._limits.page_seconds, self._check)
            page = self._understood(order, answer)
        except ChildLate:
            self._dismiss()
            return FailedPage(order.number, Failure.TIMEOUT)
        except ChildLost:
            self._dismiss()
            return FailedPage(order.number, Failure.CRASHED)
        self._served += 1
        if answer.get("tired") or self._served >= self._limits.pages_per_child:
            self._dismiss()
        return page

    def _understood(self, order: Order, answer: dict[str, Any]) -> DrawnPage | FailedPage:
        """Read an answer; raise `ChildLost` when it is not one a sound child gives."""
        try:
            if "failed" not in answer:
                return self._drawn(order, answer)
            log.info("page.not_drawn", page=order.number, error=str(answer.get("error", "")))
            return FailedPage(order.number, Failure(answer["failed"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ChildLost("an answer of the wrong shape") from error

    def _drawn(self, order: Order, answer: dict[str, Any]) -> DrawnPage:
        files = {
            tier: DrawnFile(self._path(order, tier), *(int(fact) for fact in answer["files"][tier]))
            for tier in order.tiers
        }
        clamped = tuple(Tier(name) for name in answer["clamped"])
        width, height = answer["size"]
        return DrawnPage(order.number, float(width), float(height), files, clamped)

    def _child(self) -> Session:
        """Return the child at work, after starting one and repeating what is waiting if need be."""
        if self._session is None:
            self._session = Session.begin(self._task, self._clock, self._check)
            for order in self._waiting:
                self._send(self._session, order)
        return self._session

    def _send(self, session: Session, order: Order) -> None:
        session.child.send({"page": order.number, "tiers": order.tiers})

    def _dismiss(self) -> None:
        if self._session:
            self._session.child.end()
        self._session = None
        self._served = 0

    def _forget(self, order: Order) -> None:
        for tier in ALL_TIERS:
            path = self._path(order, tier)
            path.unlink(missing_ok=True)
            path.with_suffix(".part").unlink(missing_ok=True)

    def _path(self, order: Order, tier: Tier) -> Path:
        return self._scratch / f"{order.number}-{tier}.jpg"
