"""Completions: cited, charged for what was used, and never half an answer (M-05)."""

from typing import Any

import pytest

from jobs.llms.complete import Complete, complete
from jobs.llms.preparing import Planner, Prepared, prepared
from jobs.llms.provider import Delta, Finish, Tokens
from jobs.llms.question import Llms
from jobs.llms.router import Caller
from jobs.run import FinalFailure, Outcome
from models.accounts import Person
from models.kernel.clock import SystemClock
from models.kernel.database import Pool, database
from models.kernel.errors import Cancelled, NotFound, ResourceDeleted, UpstreamError
from models.kernel.ids import wire_id
from models.kernel.money import CEIL_CENT, NANO_PER_CENT, NOTHING, ZERO, Nano
from models.kernel.settings import Settings
from tests import factories
from tests.fakes.provider import FakeProvider, llms
from tests.fakes.run import FakeRun, applied
from tests.jobs.chats.conftest import Asking
from workers.adapters.extractive import Extractive

PAGE = "The walrus lives in the cold sea near the pole. It eats clams."
ASKED: tuple[dict[str, str], ...] = ({"role": "user", "content": "Where does the walrus live?"},)
USED = Tokens(input=1_000, output=200, cached=400)
CALLS = "select step, vendor, llm, outcome, error_code, tokens_in, tokens_out from llm_call"


@pytest.fixture
def person(database: Pool) -> Person:
    return factories.person()


@pytest.fixture
def run(person: Person) -> FakeRun:
    return FakeRun(person.account_id)


def job(run: FakeRun, **given: Any) -> Complete:
    made = Complete(**{"model": "gpt-4o-mini", "messages": ASKED, **given})
    served = frozenset({"ilm", "openai", "anthropic"})
    caller = Caller(tier="free", mode=run.mode, served=served, today=run.created_at.date())
    return made.planned(prepared(made.ask, caller))


def answered(run: FakeRun, tools: Llms, **given: Any) -> Outcome:
    return complete(job(run, **given), tools, run)


def test_an_answer_is_charged_in_whole_cents_where_the_house_rounds_so(run: FakeRun) -> None:
    """X-7: as it was accepted, whatever is set by the time it ends."""
    planner = Planner(Settings(openai_api_key="sk-fake", billing_rounding=CEIL_CENT), SystemClock())
    made = Complete(model="gpt-4o-mini", messages=ASKED, max_tokens=300)
    asked = made.planned(planner.plan(made.ask, Asking(run.account_id)))
    provider = FakeProvider([Delta("In the sea."), Finish("stop", USED)])

    (usage, *_) = complete(asked, llms(openai=provider), run).usage

    assert usage.cost == Prepared.of_row(asked.plan).hold == Nano(NANO_PER_CENT)


def test_an_answer_is_streamed_and_given_whole(run: FakeRun) -> None:
    provider = FakeProvider([Delta("In the "), Delta("sea."), Finish("stop", USED)])

    result = answered(run, llms(openai=provider)).result

    assert run.pieces == ["In the ", "sea."]
    assert (result["id"], result["model"], result["vendor"]) == (
        wire_id("msg", run.job_id),
        "gpt-4o-mini",
        "openai",
    )
    assert (result["content"], result["finishReason"]) == ("In the sea.", "stop")
    assert (result["citations"], result["droppedCitations"]) == ([], 0)
    assert result["usage"] == {
        "promptTokens": 1_000, "completionTokens": 200, "totalTokens": 1_200,
        "costUsd": 0.000336, "costNanoUsd": "336000",
    }  # fmt: skip


def test_every_class_of_token_is_charged_at_its_price_once_to_the_nano(run: FakeRun) -> None:
    provider = FakeProvider([Delta("sea"), Finish("stop", USED)])

    outcome = answered(run, llms(openai=provider))

    (line,) = outcome.usage
    house = 600 * 150_000 + 400 * 75_000 + 200 * 600_000
    assert outcome.cost == line.cost == Nano(house * 140 // 100 // 1_000)
    assert line.vendor_cost == Nano(house // 1_000)
    assert (line.vendor, line.llm, line.price_id) == (
        "openai",
        "gpt-4o-mini",
        "gpt-4o-mini@2024-07-18",
    )
    assert (line.tokens_in, line.tokens_cached, line.tokens_out) == (1_000, 400, 200)
    assert not line.estimated


def test_what_a_vendor_spoils_is_written_down_and_borne_by_the_house(run: FakeRun) -> None:
    broken = FakeProvider([Delta("In a zoo"), UpstreamError("cut")])
    good = FakeProvider([Delta("sea"), Finish("stop", USED)])

    outcome = answered(run, llms(openai=broken, anthropic=good))
    applied(outcome.effects)

    served, lost = outcome.usage
    assert (served.vendor, served.is_borne) == ("anthropic", False)
    assert (lost.vendor, lost.is_borne, lost.cost) == ("openai", True, ZERO)
    assert lost.vendor_cost > ZERO
    assert outcome.cost == served.cost
    assert database.rows(CALLS) == [
        (0, "openai", "gpt-4o-mini", "failed", "UPSTREAM_ERROR", lost.tokens_in, lost.tokens_out),
        (1, "anthropic", "claude-3-haiku", "served", None, 1_000, 200),
    ]


def test_the_hold_covers_the_dearest_answer(run: FakeRun) -> None:
    longest = job(run).estimate.cost

    assert longest > job(run, max_tokens=10).estimate.cost > ZERO
    assert job(run, model="ilm-extractive").estimate == NOTHING
    assert Prepared.of_row(job(run).plan).hold == longest


@pytest.mark.parametrize("read", [1_000, 120_000, 200_000])
def test_the_hold_covers_a_document_however_much_of_the_window_it_fills(
    run: FakeRun, read: int
) -> None:
    data = "data:application/pdf;base64," + "A" * 300_000
    file = {"type": "file", "file": {"filename": "a.pdf", "file_data": data}}
    used = Tokens(input=read, output=100)
    provider = FakeProvider([Delta("sea"), Finish("stop", used)])
    given: Any = {"model": "claude-3-haiku", "messages": ({"role": "user", "content": [file]},)}

    outcome = answered(run, llms(anthropic=provider), **given)

    assert ZERO < outcome.cost <= job(run, **given).estimate.cost


def test_a_cancelled_answer_leaves_its_beginning_and_costs_what_was_written(
    person: Person,
) -> None:
    run = FakeRun(person.account_id, stops=Cancelled(), after=1)
    provider = FakeProvider([Delta("In the "), Delta("sea."), Finish("stop", USED)])

    with pytest.raises(FinalFailure) as failure:
        answered(run, llms(openai=provider))

    cut = failure.value
    assert isinstance(cut.cause, Cancelled)
    assert cut.result is not None
    assert (cut.result["content"], cut.result["finishReason"]) == ("In the ", "cancelled")
    assert ZERO < cut.cost <= job(run).estimate.cost
    assert cut.usage[0].estimated


def test_about_a_book_its_passages_come_first_and_what_holds_is_cited(
    run: FakeRun, person: Person
) -> None:
    book = factories.book(person, title="Walruses")
    factories.page_text(book, number=4, content=PAGE)
    said = '"lives in the cold sea" [p. 4]. "eats only fish" [p. 4]. "the cold sea near" [p. 5].'
    provider = FakeProvider([Delta(said), Finish("stop", USED)])

    outcome = answered(run, llms(openai=provider), book_id=book.id)

    system, question = provider.asked[0].messages
    assert (system["role"], question["content"]) == ("system", ASKED[0]["content"])
    assert "Book: Walruses" in system["content"]
    assert "[p. 4] The walrus lives" in system["content"]
    assert outcome.result["citations"] == [{"page": 4, "excerpt": "lives in the cold sea"}]
    assert outcome.result["droppedCitations"] == 2


def test_the_sandbox_answers_from_the_book_with_citations_that_hold(
    run: FakeRun, person: Person
) -> None:
    book = factories.book(person)
    factories.page_text(book, number=4, content=PAGE)
    factories.page_text(book, number=5, content="The king had a castle.")

    outcome = answered(run, llms(ilm=Extractive()), model="ilm-extractive", book_id=book.id)

    assert run.text == outcome.result["content"]
    assert outcome.result["citations"][0]["page"] == 4
    assert outcome.result["droppedCitations"] == 0
    assert outcome.cost == ZERO


def test_a_book_one_may_not_see_any_more_is_not_read(run: FakeRun, person: Person) -> None:
    gone = factories.book(person, deleted_at=factories.LATER)
    private, trial = factories.book(), factories.book(person, mode="test")

    for book, error in ((gone, ResourceDeleted), (private, NotFound), (trial, NotFound)):
        with pytest.raises(error):
            answered(run, llms(ilm=Extractive()), model="ilm-extractive", book_id=book.id)
    assert run.pieces == []
