"""Answers written into chats: whole, partial, from the cache; by the transaction that ends them."""

from dataclasses import replace
from typing import Any

import pytest
import redis

from jobs.chats.talking import Speech, Wanted
from jobs.llms.ask import CONTINUE
from jobs.llms.provider import Delta, Finish
from jobs.queue import Queue
from jobs.run import FinalFailure
from models.chats import Chat, Message
from models.jobs import JobRow
from models.kernel.errors import (
    Cancelled,
    Conflict,
    ContentBlocked,
    DeadlineExceeded,
    Invalid,
    UpstreamError,
)
from models.kernel.ids import new_id
from tests import factories
from tests.jobs.chats.conftest import FORBIDDEN, LLM, USED, Asking, Table
from tests.rows import grant


def test_a_message_its_pending_answer_and_its_job_are_kept_together(table: Table) -> None:
    row = table.ask("Where does the walrus live?")

    answer = table.answer(row)
    question = Message.get_by_id(answer.parent_id)
    chat = Chat.get_by_id(table.chat.id)
    assert (row.type, row.subject_id) == ("chat.answer", chat.id)
    assert (answer.status, answer.job_id, answer.llm) == ("pending", row.id, LLM)
    assert (question.role, question.content) == ("user", "Where does the walrus live?")
    assert (chat.head_id, chat.message_count) == (answer.id, 2)
    assert (chat.title, chat.title_by) == ("Where does the walrus live?", "machine")
    assert 0 < chat.context_tokens < chat.context_window == 128_000


def test_a_chat_ends_its_context_where_its_llm_would_become_dearer(table: Table) -> None:
    asker = Asking(table.person.account_id, tier="premium")

    table.ask(model="claude-haiku-5-5", turn=replace(table.turn(), asker=asker))

    assert Chat.get_by_id(table.chat.id).context_window == 100_000


def test_a_whole_answer_is_written_into_its_message(table: Table) -> None:
    row = table.ask()
    outcome = table.answered(row)

    answer = table.answer(row)
    assert (answer.content, answer.status, answer.finish_reason) == (
        "In the sea.",
        "complete",
        "stop",
    )
    assert (answer.tokens_in, answer.tokens_out, answer.vendor) == (1_000, 200, "openai")
    assert answer.cost_nano == outcome.cost.amount > 0
    assert answer.finished_at is not None
    assert Chat.get_by_id(table.chat.id).context_tokens == 1_200


def test_the_whole_branch_and_the_chats_instructions_are_asked(
    queue: Queue, cache: redis.Redis
) -> None:
    person = factories.person()
    grant(person.account_id, 10**12)
    table = Table(queue, cache, person, system_prompt="Be brief.", settings={"temperature": 0.5})
    table.answered(table.ask("First?"))
    table.answered(table.ask("Second?", form={"type": "csv"}))

    (asked,) = table.provider.asked
    assert [m["role"] for m in asked.messages] == ["system", "system", "user", "assistant", "user"]
    assert asked.messages[0]["content"] == "Be brief."
    assert asked.messages[-1]["content"] == "Second?"
    assert asked.options == {"temperature": 0.5}


@pytest.mark.parametrize(
    ("of_chat", "wanted", "warmth", "most"),
    [
        ({}, {}, 0.2, 300),
        ({"temperature": 0.5, "maxTokens": None}, {}, 0.5, 300),
        ({"temperature": None, "maxTokens": 200}, {}, 0.2, 200),
        ({}, {"options": {"temperature": 0}, "max_tokens": 100}, 0, 100),
    ],
)
def test_an_answer_is_made_as_the_message_the_chat_or_the_person_wants(
    queue: Queue, cache: redis.Redis, of_chat: Any, wanted: Any, warmth: float, most: int
) -> None:
    """A-31: the nearest wins."""
    person = factories.person()
    grant(person.account_id, 10**12)
    table = Table(queue, cache, person, settings=of_chat)
    prefers = {"temperature": 0.2, "maxTokens": 300}
    turn = replace(table.turn(), asker=Asking(person.account_id, ai_preferences=prefers))
    table.answered(table.ask("Where?", turn, **wanted))

    (asked,) = table.provider.asked
    assert (asked.options["temperature"], asked.max_tokens) == (warmth, most)


def test_a_branch_knows_nothing_of_its_sisters(table: Table) -> None:
    row = table.ask("First?")
    table.answered(row, Delta("One."), Finish("stop", USED))
    again = table.talking.answer_again(
        table.chat, table.answer(row), Wanted(model=LLM), table.turn()
    )
    table.answered(again, Delta("Two."), Finish("stop", USED))

    assert [m["content"] for m in table.provider.asked[0].messages] == ["First?"]
    assert table.answer(again).parent_id == table.answer(row).parent_id


def test_a_cancelled_answer_keeps_its_beginning_and_says_partial(table: Table) -> None:
    row = table.ask()

    with pytest.raises(FinalFailure):
        table.answered(row, stops=Cancelled(), after=1)

    answer = table.answer(row)
    assert (answer.content, answer.status) == ("In the ", "partial")
    assert (answer.finish_reason, answer.estimated) == ("cancelled", True)
    assert answer.cost_nano > 0


def test_what_was_shown_of_an_answer_that_is_overdue_is_kept(table: Table) -> None:
    row = table.ask()

    with pytest.raises(FinalFailure):
        table.answered(row, stops=DeadlineExceeded(), after=1)

    answer = table.answer(row)
    assert (answer.content, answer.status) == ("In the ", "partial")


def test_what_was_shown_before_every_vendor_broke_is_kept_until_a_later_try(table: Table) -> None:
    row = table.ask(recovery=CONTINUE)

    with pytest.raises(UpstreamError):
        table.answered(row, Delta("In the "), UpstreamError("cut"))

    answer = table.answer(row)
    assert answer.content.startswith("In the ")
    assert answer.status == "pending"


def test_tokens_are_told_while_the_answer_is_written(table: Table) -> None:
    row = table.ask()
    words = [Delta("word ") for _ in range(120)]

    table.answered(row, *words, Finish("stop", USED))

    told = [fields for kind, fields in table.run.told if kind == "tokens"]
    assert [fields["output"] for fields in told] == [50, 100]
    assert all(fields["input"] > 0 for fields in told)


def test_an_answer_in_the_wrong_format_is_whole_with_a_warning(table: Table) -> None:
    row = table.ask(form={"type": "json_object"})
    table.answered(row)

    answer = table.answer(row)
    assert answer.status == "complete"
    assert answer.warnings == [{"code": "FORMAT", "message": "The answer is not JSON."}]
    assert table.provider.asked[0].options["response_format"] == {"type": "json_object"}


def test_what_an_llm_may_not_say_ends_its_answer_before_anybody_reads_it(table: Table) -> None:
    row = table.ask()

    table.answered(row, Delta("Well. "), Delta(f"{FORBIDDEN} "), Finish("stop", USED))

    answer = table.answer(row)
    assert (answer.status, answer.finish_reason) == ("complete", "content_filter")
    assert FORBIDDEN not in answer.content


def test_a_question_that_is_blocked_leaves_nothing(table: Table) -> None:

    with pytest.raises(ContentBlocked):
        table.ask(FORBIDDEN)

    assert Message.select().count() == 0


def test_one_key_makes_one_answer_and_another_request_is_refused(table: Table) -> None:
    turn = table.turn(idempotency_key="k", fingerprint=b"same")
    first, second = table.ask(turn=turn), table.ask(turn=turn)

    assert first.id == second.id
    assert Message.select().count() == 2
    with pytest.raises(Conflict):
        table.ask(turn=table.turn(idempotency_key="k", fingerprint=b"other"))


def test_nothing_is_kept_of_what_is_refused(table: Table) -> None:
    with pytest.raises(Invalid):
        table.ask(model="no-such-llm")
    table.ask()
    with pytest.raises(Conflict):
        table.ask("Too early?")

    assert Message.select().count() == 2
    assert JobRow.select().count() == 1


def test_the_result_of_a_call_nobody_made_is_refused(table: Table) -> None:
    table.answered(table.ask())
    speech = Speech(content="wide", role="tool", tool_call_id=str(new_id()))

    with pytest.raises(Invalid):
        table.talking.ask(table.chat, speech, Wanted(model=LLM), table.turn())
