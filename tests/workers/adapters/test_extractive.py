"""The sandbox vendor: every sentence is the book's, or says that there is none."""

import pytest

from jobs.llms.citations import citations_in, plain, stands_in
from jobs.llms.passages import Passage, as_context
from jobs.llms.provider import Delta, Finish, Message, Request, Tokens
from workers.adapters.extractive import LONGEST_QUOTE, MOST_QUOTES, Extractive, count_tokens

PAGES = {
    1: "The walrus lives in the cold sea. It eats clams.",
    2: 'The king said "off with his head" and lived in a castle.',
    3: " ".join(f"word{at}" for at in range(500)) + " zebra " + "more words " * 200,
}
CONTEXT = as_context([Passage(number, text) for number, text in PAGES.items()])


def asked(*messages: Message, most: int = 1_000) -> Request:
    return Request(llm="ilm-extractive", messages=messages, max_tokens=most)


def answered(question: str, context: str = CONTEXT, most: int = 1_000) -> tuple[str, Finish]:
    said = [{"role": "system", "content": context}] if context else []
    *pieces, finish = Extractive().stream(
        asked(*said, {"role": "user", "content": question}, most=most), lambda _: None
    )
    assert isinstance(finish, Finish)
    return "".join(piece.text for piece in pieces if isinstance(piece, Delta)), finish


@pytest.mark.parametrize(
    ("question", "page"), [("Where does the walrus live?", 1), ("Who lived in a castle?", 2)]
)
def test_it_quotes_the_page_that_answers(question: str, page: int) -> None:
    answer, finish = answered(question)

    assert citations_in(answer)[0].page == page
    assert finish.reason == "stop"


@pytest.mark.parametrize("question", ["walrus king zebra sea", "zebra", "off with his head"])
def test_every_quotation_stands_on_its_page_and_is_short(question: str) -> None:
    cited = citations_in(answered(question)[0])

    assert 1 <= len(cited) <= MOST_QUOTES
    for citation in cited:
        assert stands_in(citation.excerpt, plain(PAGES[citation.page]))
        assert len(citation.excerpt.split()) <= LONGEST_QUOTE


def test_it_says_when_the_book_does_not_answer() -> None:
    answer, _ = answered("quantum chromodynamics")

    assert "do not answer" in answer
    assert citations_in(answer) == []


def test_without_a_book_it_says_what_it_is() -> None:
    assert "sandbox" in answered("Where does the walrus live?", context="")[0]


def test_it_answers_the_last_question_the_same_each_time() -> None:
    assert answered("castle") == answered("castle")


@pytest.mark.parametrize("most", [1, 5, 20])
def test_an_answer_ends_at_the_tokens_it_may_have(most: int) -> None:
    answer, finish = answered("Where does the walrus live?", most=most)

    assert finish.reason == "length"
    assert finish.tokens is not None
    assert count_tokens(answer) == finish.tokens.output <= most


def test_tokens_are_counted_in_and_out() -> None:
    answer, finish = answered("Where does the walrus live?")

    assert finish.tokens == Tokens(
        input=count_tokens(CONTEXT) + count_tokens("Where does the walrus live?"),
        output=count_tokens(answer),
    )


def test_a_question_in_parts_is_read_as_its_text() -> None:
    parts = [{"type": "text", "text": "Where does the "}, {"type": "text", "text": "walrus live?"}]
    *pieces, _ = Extractive().stream(
        asked({"role": "system", "content": CONTEXT}, {"role": "user", "content": parts}),
        lambda _: None,
    )

    assert (
        "".join(p.text for p in pieces if isinstance(p, Delta))
        == answered("Where does the walrus live?")[0]
    )


def test_no_question_at_all_is_answered_too() -> None:
    *_, finish = Extractive().stream(asked(most=100), lambda _: None)

    assert isinstance(finish, Finish)
