"""Answers given again: to the same question, of the same account, for a day (M-43)."""

from jobs.queue import Queue
from models.kernel.database import database
from tests.jobs.chats.conftest import Table


def test_the_same_question_comes_from_the_cache_and_another_does_not(
    table: Table, queue: Queue
) -> None:
    table.answered(table.ask(caches=True))
    other = Table(queue, table.cache, table.person)
    row = other.ask(caches=True)
    outcome = other.answered(row)

    assert other.provider.asked == []
    assert (other.run.text, outcome.usage, outcome.result["cached"]) == ("In the sea.", (), True)
    assert (other.answer(row).cost_nano, other.answer(row).cached) == (0, True)
    for different in ({"max_tokens": 5}, {"options": {"temperature": 1}}, {"caches": False}):
        third = Table(queue, table.cache, table.person)
        third.answered(third.ask(**{"caches": True, **different}))
        assert len(third.provider.asked) == 1


def test_what_is_too_old_is_not_given_again_and_goes(table: Table, queue: Queue) -> None:
    table.answered(table.ask(caches=True))
    database.rows("update cached_answer set created_at = now() - interval '25 hours'")
    other = Table(queue, table.cache, table.person)
    other.answered(other.ask("Else?", caches=True))

    assert database.rows("select count(*) from cached_answer") == [(1,)]
