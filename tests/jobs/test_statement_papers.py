"""PDFs of statements: set once, and again when what they say is called otherwise (B-12)."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from jobs.statement_papers import SetStatement, forget_papers, paper, set_statement, text_of
from models.credits import Credit
from models.kernel.clock import SystemClock
from models.kernel.database import database
from models.kernel.errors import Conflict, NotFound
from tests import factories
from tests.fakes.clock import FakeClock
from tests.making import person

pytestmark = pytest.mark.usefixtures("database")

PERIOD = "2026-09"
ENDED = datetime(2026, 10, 1, tzinfo=UTC)


class FakePress:
    """Writes a paper's text instead of setting it."""

    def set(self, sheet: Mapping[str, Any]) -> bytes:
        return repr(sheet).encode()


@pytest.fixture
def who() -> UUID:
    """Somebody called Ada who had a month in which nothing moved."""
    account_id = UUID(str(person(name="Ada").account_id))
    factories.credit_period(
        account_id, period=date(2026, 9, 1), granted_nano=0, opened_at=ENDED, closed_at=ENDED
    )
    return account_id


def carry_out(who: UUID) -> None:
    outcome = set_statement(SetStatement(who, PERIOD), FakePress())
    for effect in outcome.effects:
        database.rows(effect.sql, effect.parameters)


def test_a_paper_is_there_once_it_is_set(who: UUID) -> None:
    assert paper(who, PERIOD) is None

    carry_out(who)
    carry_out(who)

    assert paper(who, PERIOD) == repr(text_of(who, PERIOD)).encode()


def test_a_paper_with_a_name_of_yesterday_is_set_again(who: UUID) -> None:
    carry_out(who)
    database.rows("update person set name = 'Deleted user' where account_id = %s", (who,))

    assert paper(who, PERIOD) is None
    carry_out(who)
    assert b"Deleted user" in (paper(who, PERIOD) or b"")


def test_papers_are_forgotten_after_a_week(who: UUID) -> None:
    carry_out(who)
    assert forget_papers(SystemClock()) == 0

    later = FakeClock(SystemClock().now() + timedelta(days=8))
    assert forget_papers(later) == 1
    assert paper(who, PERIOD) is None


def test_a_month_that_may_change_has_no_paper(who: UUID) -> None:
    now = Credit.of(who).period
    with pytest.raises(Conflict):
        paper(who, f"{now:%Y-%m}")
    with pytest.raises(NotFound):
        paper(who, "2020-01")
