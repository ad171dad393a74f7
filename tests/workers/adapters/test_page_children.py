"""How long a page may take: by a clock that a test puts on."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from select import select
from typing import Any

import pytest

from jobs.pages.renderer import (
    SMALL,
    Check,
    DrawnPage,
    FailedPage,
    Failure,
    Order,
    PageText,
)
from models.kernel.clock import SystemClock
from tests import documents
from tests.workers.adapters.conftest import Written
from workers.adapters.pages.process import Child
from workers.adapters.pages.renderer import MuPdfRenderer
from workers.adapters.pages.sessions import Limits

PAGE_SECONDS = 120


class HastyClock(SystemClock):
    """A clock that can be put on."""

    ahead = 0.0

    def elapsed(self) -> float:
        return super().elapsed() + self.ahead


def late_after(first: list[Any], clock: HastyClock) -> Check:
    """Return a check that makes late what is waited for once a list has its first member."""
    when_it_begins_and_goes_on = iter(range(2))

    def check() -> None:
        if len(first) == 1 and next(when_it_begins_and_goes_on, None) is not None:
            clock.ahead += PAGE_SECONDS + 1

    return check


@pytest.fixture
def clock() -> HastyClock:
    return HastyClock()


@pytest.fixture
def hasty(clock: HastyClock) -> MuPdfRenderer:
    """Return a renderer that goes by that clock."""
    return MuPdfRenderer(clock, Limits(page_seconds=PAGE_SECONDS))


def test_a_page_that_never_ends_is_killed_and_the_rest_go_on(
    hasty: MuPdfRenderer, clock: HastyClock, written: Written, scratch: Path
) -> None:
    source = written(documents.time_bomb_pdf(before=1, after=2), "pdf")
    orders = [Order(n, SMALL) for n in (1, 2, 3, 4)]
    pages: list[DrawnPage | FailedPage] = []

    pages.extend(hasty.draw(source, orders, scratch, check=late_after(pages, clock)))

    assert [type(page) for page in pages] == [DrawnPage, FailedPage, DrawnPage, DrawnPage]
    assert pages[1] == FailedPage(2, Failure.TIMEOUT)
    assert {path.name.split("-")[0] for path in scratch.iterdir()} == {"1", "3", "4"}


def test_a_page_that_never_ends_costs_its_own_text_only(
    hasty: MuPdfRenderer, clock: HastyClock, written: Written
) -> None:
    source = written(documents.time_bomb_pdf(before=1, after=1), "pdf")
    pages: list[PageText | FailedPage] = []

    with hasty.read(source, check=late_after(pages, clock)) as reading:
        pages.extend(reading)

    first, bomb, last = pages
    assert isinstance(first, PageText)
    assert bomb == FailedPage(2, Failure.TIMEOUT)
    assert isinstance(last, PageText)


def test_a_page_that_unfolds_without_end_fails(
    hasty: MuPdfRenderer, clock: HastyClock, written: Written, scratch: Path
) -> None:
    source = written(documents.flate_bomb_pdf(), "pdf")
    ordered: list[Order] = []

    def orders() -> Iterator[Order]:
        ordered.append(Order(1, SMALL))
        yield ordered[0]

    (page,) = hasty.draw(source, orders(), scratch, check=late_after(ordered, clock))

    assert isinstance(page, FailedPage)
    assert list(scratch.iterdir()) == []


def test_an_answer_that_is_there_is_not_late_however_late_it_is_looked_for(
    clock: HastyClock,
) -> None:
    """As where the parent stood still while its child went on."""
    asked, child = count(), Child("draw", clock)

    def check() -> None:
        if next(asked) == 1:
            assert select([child._stdout], [], [], 60)[0]
            clock.ahead += PAGE_SECONDS + 1

    try:
        assert "sealed" in child.receive(PAGE_SECONDS, check)
    finally:
        child.end()
