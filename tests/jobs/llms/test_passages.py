"""Passages: the parts of a book that bear on a question, and no other account's book's."""

import pytest

from jobs.llms.passages import (
    MOST_A_PAGE,
    MOST_PAGES,
    MOST_TERMS,
    WINDOW_WORDS,
    Passage,
    as_context,
    best_passages,
    from_context,
    pages_about,
    stem,
    terms_of,
)
from models.kernel.database import Pool
from tests import factories

WHALES = "Whales are large. The blue whale eats krill in the cold sea. It sings at night."
SHIPS = "Ships are made of wood. A ship sails on the sea. Sailors sing at night."
KINGS = "The king lived in a castle. His castle stood on a hill."
BOOK = [Passage(1, WHALES), Passage(2, SHIPS), Passage(3, KINGS)]


def test_terms_are_the_words_that_carry_a_question_each_once() -> None:
    asked = "What does the blue whale eat? The BLUE whale's krill!"

    assert terms_of(asked) == ["blu", "whal", "eat", "krill"]


def test_a_question_of_any_length_has_bounded_terms() -> None:
    assert len(terms_of(" ".join(f"word{at}" for at in range(1_000)))) == MOST_TERMS


@pytest.mark.parametrize("question", ["", "???", "what is the", "💥", "\0"])
def test_a_question_may_carry_nothing(question: str) -> None:
    assert terms_of(question) == []


@pytest.mark.parametrize(
    "forms",
    [
        ["whale", "whales", "whale's"],
        ["live", "lives", "lived", "living"],
        ["story", "stories"],
        ["play", "plays", "played", "playing"],
        ["class", "classes"],
        ["sea", "seas"],
        ["name", "names", "named", "naming"],
        ["كتب"],
        ["king"],
        ["bus"],
    ],
    ids=lambda forms: forms[0],
)
def test_the_commonest_forms_of_a_word_are_one(forms: list[str]) -> None:
    assert len({stem(form) for form in forms}) == 1


@pytest.mark.parametrize(("one", "other"), [("plan", "play"), ("king", "kind"), ("sea", "see")])
def test_different_words_stay_different(one: str, other: str) -> None:
    assert stem(one) != stem(other)


@pytest.mark.parametrize(
    ("question", "page"),
    [("What does the blue whale eat?", 1), ("Who lives in a castle?", 3), ("Wooden ships", 2)],
)
def test_the_best_passage_is_of_the_page_that_answers(question: str, page: int) -> None:
    assert best_passages(BOOK, question, 3)[0].page == page


def test_passages_are_whole_sentences_of_their_pages() -> None:
    texts = {passage.page: passage.text for passage in BOOK}

    for passage in best_passages(BOOK, "sea at night", 8):
        assert passage.text in texts[passage.page]
        assert passage.text.endswith(".")


def test_no_two_overlap_and_no_page_has_more_than_its_share() -> None:
    long = Passage(1, " ".join(f"The whale number {at} swims in the sea." for at in range(200)))

    found = best_passages([long], "whale sea", 20)

    assert len(found) == MOST_A_PAGE
    assert len({passage.text for passage in found}) == MOST_A_PAGE
    assert all(len(passage.text.split()) <= WINDOW_WORDS for passage in found)


def test_what_has_nothing_to_do_with_the_question_is_no_passage() -> None:
    assert best_passages(BOOK, "quantum chromodynamics", 8) == []


def test_the_same_question_finds_the_same() -> None:
    assert best_passages(BOOK, "sea night", 8) == best_passages(list(BOOK), "sea night", 8)


def test_a_context_is_read_as_it_was_written() -> None:
    passages = [Passage(1, WHALES), Passage(12, "Two\n\nparagraphs."), Passage(3, "[p. in it")]

    assert from_context(f"Instructions.\n\n{as_context(passages)}") == passages
    assert from_context("nothing of the kind") == []


def test_pages_are_found_by_any_form_of_a_word_best_first(database: Pool) -> None:
    book = factories.book()
    for number, text in enumerate([KINGS, SHIPS, WHALES], 1):
        factories.page_text(book, number=number, content=text)

    assert pages_about(book.id, "whale eating krill")[0].page == 3
    assert [passage.page for passage in pages_about(book.id, "castles")] == [1]


def test_a_question_no_page_answers_is_given_the_first_ones(database: Pool) -> None:
    book = factories.book()
    for number in range(1, MOST_PAGES + 5):
        factories.page_text(book, number=number, content=f"Page {number}." if number > 1 else "")

    pages = [passage.page for passage in pages_about(book.id, "zebra")]

    assert pages == list(range(2, MOST_PAGES + 2))


def test_another_books_pages_are_never_found(database: Pool) -> None:
    mine, theirs = factories.book(), factories.book()
    factories.page_text(theirs, content=WHALES)

    assert pages_about(mine.id, "whale") == []


@pytest.mark.parametrize(
    "question",
    [
        "whale' | '!",
        "a:* & b",
        "\\",
        "'; drop table book; --",
        "whale's",
        "<-> ! & |",
        "x" * 50_000,
    ],
)
def test_no_question_breaks_the_search(database: Pool, question: str) -> None:
    book = factories.book()
    factories.page_text(book, content=WHALES)

    assert [passage.page for passage in pages_about(book.id, question)] == [1]
