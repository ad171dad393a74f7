"""Purging: gone for good after its time, what it cost kept, by any number of schedulers (X-16)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from jobs.chats import purging
from jobs.chats.purging import purge
from jobs.schedules.pulse import Pulse
from models.chats import Chat, Message
from models.jobs import JobRow
from models.kernel.clock import SystemClock
from models.kernel.database import Pool
from tests import chat_factories, factories
from tests.jobs.chats.conftest import Table

DAYS = 30


def at_leisure(_scheduler: int = 1) -> int:
    """Purge with time enough; return how many went."""
    return purge(DAYS, Pulse(SystemClock(), 600))


def ago(days: float) -> datetime:
    return SystemClock().now() - timedelta(days=days)


def test_a_deleted_chat_is_purged_after_its_time_and_not_before(database: Pool) -> None:
    old, fresh, kept = (chat_factories.chat(deleted_at=at) for at in (ago(31), ago(29), None))
    for chat in (old, fresh, kept):
        chat_factories.message(chat)

    assert at_leisure() == 1

    left = {chat.id for chat in Chat.select()}
    assert left == {fresh.id, kept.id}
    assert {message.chat_id for message in Message.select()} == left
    assert at_leisure() == 0


def test_a_deleted_message_goes_with_what_followed_it(database: Pool) -> None:
    chat = chat_factories.chat()
    first = chat_factories.message(chat)
    second = chat_factories.message(chat, parent_id=first.id, deleted_at=ago(31))
    chat_factories.message(chat, parent_id=second.id, deleted_at=ago(31))
    chat_factories.message(chat, parent_id=first.id, deleted_at=ago(29))

    assert at_leisure() == 2

    assert Message.select().count() == 2
    assert Chat.select().count() == 1


@pytest.mark.parametrize("deleted", [Chat, Message], ids=["chat", "message"])
def test_the_words_of_an_answer_go_and_its_job_stays(
    table: Table, database: Pool, deleted: type[Chat] | type[Message]
) -> None:
    row = table.ask("Where does the walrus live?")
    outcome = table.answered(row)
    JobRow.update(result=outcome.result, state="succeeded").where(JobRow.id == row.id).execute()
    deleted.update(deleted_at=ago(31)).execute()

    at_leisure()

    assert Message.select().count() == 0
    after = JobRow.get_by_id(row.id)
    assert (after.state, after.result) == ("succeeded", None)


def test_a_forgotten_response_is_emptied_after_its_time_and_stays_forgotten(
    database: Pool,
) -> None:
    old, fresh, kept, late = (
        factories.job(state=state, input={"body": {"input": "Where?"}}, result={"content": "sea"})
        for state in ("succeeded", "succeeded", "succeeded", "running")
    )
    for row, days in ((old, 31), (fresh, 29), (late, 31)):
        factories.forgotten_answer(row.account_id, job_id=row.id, forgotten_at=ago(days))

    assert (at_leisure(), at_leisure()) == (1, 0)

    left = {row.id: (row.input, row.result) for row in JobRow.select()}
    assert left[old.id] == ({}, None)
    assert all(None not in left[row.id] for row in (fresh, kept, late))
    assert JobRow.get_by_id(old.id).is_forgotten


def test_more_than_one_time_can_take_goes_all_the_same(
    database: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every one once, by however many schedulers."""
    monkeypatch.setattr(purging, "AT_ONCE", 3)
    owner = factories.person()
    for _ in range(20):
        chat_factories.chat(owner, deleted_at=ago(40))

    with ThreadPoolExecutor(4) as crowd:
        purged = list(crowd.map(at_leisure, range(4)))

    assert sum(purged) == 20
    assert Chat.select().count() == 0
