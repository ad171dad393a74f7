"""Completions: streamed, whole or an error, cited, and charged for what was used (M-05)."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from jobs.llms.complete import DEFAULT_MAX_TOKENS, Complete, complete
from jobs.llms.provider import Delta, Finish, Request
from models import llms as catalogue
from models.accounts import Person
from models.kernel.database import Pool
from models.kernel.errors import (
    Cancelled,
    ModelNotFound,
    NotFound,
    ResourceDeleted,
    UpstreamError,
)
from models.kernel.ids import wire_id
from models.kernel.money import ZERO, Nano
from models.llms import Llm
from tests import factories
from tests.fakes.run import FakeRun
from workers.adapters.extractive import Extractive

PAGE = "The walrus lives in the cold sea near the pole. It eats clams."
DEAR = Llm("dear", "Dear", "fake", 1_000, "dear-1", 3_000_000, 15_000_000)
ASKED: tuple[dict[str, str], ...] = ({"role": "user", "content": "Where does the walrus live?"},)


class FakeProvider:
    """Says what it is given to say, and remembers what it was asked."""

    def __init__(self, *events: Delta | Finish) -> None:
        self.events = events
        self.asked: list[Request] = []

    def stream(
        self, request: Request, on_stop: Callable[[Callable[[], None]], None]
    ) -> Iterator[Delta | Finish]:
        self.asked.append(request)
        on_stop(lambda: None)
        yield from self.events


@pytest.fixture
def dear(monkeypatch: pytest.MonkeyPatch) -> Llm:
    """Add an LLM that costs something."""
    monkeypatch.setitem(catalogue.llms(), DEAR.name, DEAR)
    return DEAR


@pytest.fixture
def person(database: Pool) -> Person:
    return factories.person()


@pytest.fixture
def run(person: Person) -> FakeRun:
    return FakeRun(person.account_id)


def job(**given: Any) -> Complete:
    return Complete(**{"model": "dear", "messages": ASKED, **given})


def test_an_answer_is_streamed_and_given_whole(dear: Llm, run: FakeRun) -> None:
    provider = FakeProvider(Delta("In the "), Delta("sea."), Finish("stop", 1_000, 200))

    outcome = complete(job(), {"fake": provider}, run)

    assert run.pieces == ["In the ", "sea."]
    assert outcome.result == {
        "id": wire_id("msg", run.job_id),
        "model": "dear",
        "content": "In the sea.",
        "finishReason": "stop",
        "citations": [],
        "droppedCitations": 0,
        "usage": {
            "promptTokens": 1_000,
            "completionTokens": 200,
            "totalTokens": 1_200,
            "costUsd": "0.0084",
            "costNanoUsd": "8400000",
        },
    }


def test_what_was_used_is_charged_once_to_the_nano(dear: Llm, run: FakeRun) -> None:
    outcome = complete(job(), {"fake": FakeProvider(Finish("stop", 1, 1))}, run)

    (line,) = outcome.usage
    assert outcome.cost == line.cost == Nano(25_200)
    assert (line.llm, line.price_id, line.tokens_in, line.tokens_out) == ("dear", "dear-1", 1, 1)
    assert not line.estimated


def test_the_estimate_covers_the_dearest_answer(dear: Llm) -> None:
    longest = job().estimate
    dearest = Nano((len(ASKED[0]["content"]) * 3_000 + DEFAULT_MAX_TOKENS * 15_000) * 140 // 100)

    assert longest == dearest
    assert job(max_tokens=10).estimate < longest
    assert Complete("ilm-extractive", ASKED).estimate == ZERO


def test_bounds_are_passed_on(dear: Llm, run: FakeRun) -> None:
    provider = FakeProvider(Finish("length", 1, 1))

    complete(job(max_tokens=7, temperature=0.5), {"fake": provider}, run)
    complete(job(), {"fake": provider}, run)

    assert [(r.max_tokens, r.temperature) for r in provider.asked] == [
        (7, 0.5), (DEFAULT_MAX_TOKENS, None),
    ]  # fmt: skip


@pytest.mark.parametrize("events", [(), (Delta("half an"),)], ids=["nothing", "half"])
def test_an_answer_that_does_not_say_it_is_over_is_none(
    dear: Llm, run: FakeRun, events: Sequence[Delta]
) -> None:
    with pytest.raises(UpstreamError):
        complete(job(), {"fake": FakeProvider(*events)}, run)


def test_nothing_is_streamed_once_the_run_has_to_stop(dear: Llm, person: Person) -> None:
    run = FakeRun(person.account_id, stops=Cancelled(), after=1)
    provider = FakeProvider(Delta("one"), Delta("two"), Finish("stop", 1, 1))

    with pytest.raises(Cancelled):
        complete(job(), {"fake": provider}, run)

    assert run.pieces == ["one"]


def test_an_llm_nobody_here_runs_is_not_found(dear: Llm, run: FakeRun) -> None:
    with pytest.raises(ModelNotFound):
        complete(job(), {}, run)
    with pytest.raises(ModelNotFound):
        complete(job(model="gpt-0"), {"fake": FakeProvider()}, run)


def test_about_a_book_its_passages_come_first_and_what_holds_is_cited(
    dear: Llm, run: FakeRun, person: Person
) -> None:
    book = factories.book(person, title="Walruses")
    factories.page_text(book, number=4, content=PAGE)
    said = '"lives in the cold sea" [p. 4]. "eats only fish" [p. 4]. "the cold sea near" [p. 5].'
    provider = FakeProvider(Delta(said), Finish("stop", 9, 9))

    outcome = complete(job(book_id=book.id), {"fake": provider}, run)

    system, question = provider.asked[0].messages
    assert (system.role, question.content) == ("system", ASKED[0]["content"])
    assert "Book: Walruses" in system.content
    assert "[p. 4] The walrus lives" in system.content
    assert outcome.result["citations"] == [{"page": 4, "excerpt": "lives in the cold sea"}]
    assert outcome.result["droppedCitations"] == 2


def test_the_sandbox_answers_from_the_book_with_citations_that_hold(
    run: FakeRun, person: Person
) -> None:
    book = factories.book(person)
    factories.page_text(book, number=4, content=PAGE)
    factories.page_text(book, number=5, content="The king had a castle.")

    outcome = complete(
        Complete("ilm-extractive", ASKED, book_id=book.id), {"ilm": Extractive()}, run
    )

    assert run.text == outcome.result["content"]
    assert outcome.result["citations"][0]["page"] == 4
    assert outcome.result["droppedCitations"] == 0
    assert outcome.cost == ZERO


def test_a_book_one_may_not_see_any_more_is_not_read(run: FakeRun, person: Person) -> None:
    gone = factories.book(person, deleted_at=factories.LATER)
    private, trial = factories.book(), factories.book(person, mode="test")

    for book, error in ((gone, ResourceDeleted), (private, NotFound), (trial, NotFound)):
        with pytest.raises(error):
            complete(Complete("ilm-extractive", ASKED, book_id=book.id), {"ilm": Extractive()}, run)
    assert run.pieces == []
