"""Citations: shown only when the words stand on the page they name."""

import pytest

from jobs.llms.citations import Checked, Citation, checked, citations_in, plain, stands_in
from models.kernel.database import Pool
from models.kernel.ids import new_id
from tests import factories

PAGE = "The walrus lives\nin the cold sea near the north-\nern pole, and the of\ufb01ce is closed."


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ('It says "the cold sea" [p. 12].', [Citation(12, "the cold sea")]),
        ("It says “the cold sea” [p.12].", [Citation(12, "the cold sea")]),
        ("« la mer froide » [p. 3]", [Citation(3, "la mer froide")]),
        ('"one" [p. 1] and "two" [p. 2]', [Citation(1, "one"), Citation(2, "two")]),
        ('"one" [p. 1] and "one" [p. 1]', [Citation(1, "one")]),
        ('"one"\n[p. 1]', [Citation(1, "one")]),
        ('"one" [p. one]', []),
        ('"one" [12]', []),
        ("one [p. 1]", []),
        ('"" [p. 1]', []),
        ("", []),
    ],
)
def test_what_an_answer_cites_is_read(answer: str, found: list[Citation]) -> None:
    assert citations_in(answer) == found


def test_an_answer_full_of_marks_is_read_in_no_time() -> None:
    assert citations_in('"' * 50_000 + "[p. 1]" * 1_000) == []


@pytest.mark.parametrize(
    ("excerpt", "is_there"),
    [
        ("The walrus lives in the cold sea", True),
        ("the WALRUS lives, in the cold sea!", True),
        ("near the northern pole", True),
        ("the office is closed", True),
        ("The walrus died in the cold sea", False),
        ("sea cold the in lives walrus", False),
        ("walrus", False),
        ("", False),
        ("...!!!---", False),
    ],
)
def test_words_stand_on_a_page_however_they_are_set(excerpt: str, is_there: bool) -> None:
    assert stands_in(excerpt, plain(PAGE)) is is_there


def test_only_what_stands_on_its_page_of_its_book_is_kept(database: Pool) -> None:
    book, other = factories.book(), factories.book()
    factories.page_text(book, number=1, content=PAGE)
    factories.page_text(book, number=2, content="Nothing of the kind.")
    factories.page_text(other, number=3, content=PAGE)
    good = Citation(1, "the cold sea near the northern pole")
    claimed = [good, Citation(2, good.excerpt), Citation(3, good.excerpt), Citation(1, "sea")]

    assert checked(book.id, claimed) == Checked((good,), 3)


def test_of_a_book_without_text_nothing_is_kept(database: Pool) -> None:
    assert checked(new_id(), [Citation(1, "the cold sea")]) == Checked((), 1)
    assert checked(new_id(), []) == Checked((), 0)
