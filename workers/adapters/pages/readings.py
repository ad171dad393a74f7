"""A document being read by a child, which is replaced when a page takes it down."""

from collections.abc import Iterator
from typing import Any

from jobs.pages.renderer import Check, Facts, FailedPage, Failure, PageText, Word
from models.kernel.clock import Clock
from models.kernel.errors import DocumentCorrupt
from workers.adapters.pages.process import ChildLate, ChildLost
from workers.adapters.pages.sessions import Session


class ChildReading:
    """The facts and the pages of one document. A page that fails does not stop the rest."""

    def __init__(self, task: dict[str, Any], clock: Clock, check: Check) -> None:
        """Open the document."""
        self._task = task
        self._clock = clock
        self._check = check
        self._session = self._opened(first=1)
        self.facts = _facts(self._session)

    def __iter__(self) -> Iterator[PageText | FailedPage]:
        """Yield every page in order, once."""
        for number in range(1, self.facts.page_count + 1):
            yield self._page(number)

    def end(self) -> None:
        """Let go of the document."""
        self._session.child.end()

    def _page(self, number: int) -> PageText | FailedPage:
        try:
            return _page(number, self._answer())
        except (ChildLate, ChildLost) as error:
            self._session.child.end()
            if number < self.facts.page_count:
                self._session = self._opened(first=number + 1)
            is_late = isinstance(error, ChildLate)
            return FailedPage(number, Failure.TIMEOUT if is_late else Failure.CRASHED)

    def _answer(self) -> dict[str, Any]:
        return self._session.child.receive(self._task["page_seconds"], self._check)

    def _opened(self, first: int) -> Session:
        return Session.begin({**self._task, "first": first}, self._clock, self._check)


def _facts(session: Session) -> Facts:
    """Read the facts; a child that gives others than it should is not to be trusted."""
    try:
        return Facts(**session.opening["facts"])
    except (KeyError, TypeError) as error:
        session.child.end()
        raise DocumentCorrupt from error


def _page(number: int, answer: dict[str, Any]) -> PageText | FailedPage:
    try:
        if "failed" in answer:
            return FailedPage(number, Failure(answer["failed"]))
        width, height = answer["size"]
        words = tuple(Word(*word) for word in answer["words"])
        return PageText(number, float(width), float(height), str(answer["text"]), words)
    except (KeyError, TypeError, ValueError) as error:
        raise ChildLost("an answer of the wrong shape") from error
