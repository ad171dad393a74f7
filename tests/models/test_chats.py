"""Chats as rows: branches, and pending answers that end with their job, however it ends."""

from uuid import UUID

import pytest

from models import engine
from models.chats import Chat, Message, Talker
from models.engine import Ending
from models.kernel.database import Pool, database
from models.kernel.errors import NotFound, ResourceDeleted
from models.kernel.ids import new_id
from tests import factories, rows


@pytest.fixture
def talker(database: Pool) -> Talker:
    person = factories.person()
    return Talker(person.account_id, person.id, "live")


@pytest.fixture
def chat(talker: Talker) -> Chat:
    made: Chat = Chat.create(
        account_id=talker.account_id, person_id=talker.person_id, mode=talker.mode
    )
    return made


def message(chat: Chat, parent: Message | None = None, **given: object) -> Message:
    values = {"role": "user", "content": "x", **given}
    made: Message = Message.create(chat_id=chat.id, parent_id=parent and parent.id, **values)
    return made


def pending(chat: Chat, account_id: UUID, **wishes: object) -> UUID:
    """Accept a job that answers, and write its pending message; return the id of both."""
    row = rows.accepted(account_id, type="chat.answer", queue="llm", **wishes)
    message(chat, role="assistant", content="", status="pending", id=row.id, job_id=row.id)
    return UUID(str(row.id))


def state(message_id: UUID) -> tuple[str, str | None, str | None]:
    fresh = Message.get_by_id(message_id)
    return fresh.status, fresh.finish_reason, fresh.error_code


def test_a_branch_is_what_leads_to_its_leaf_in_order(chat: Chat) -> None:
    first = message(chat, content="1")
    second = message(chat, first, content="2")
    sister = message(chat, first, content="2b")
    third = message(chat, second, content="3")

    assert [m.content for m in Message.branch(third.id)] == ["1", "2", "3"]
    assert [m.content for m in Message.branch(sister.id)] == ["1", "2b"]
    assert Message.branch(None) == []
    assert set(Message.below(second.id)) == {second.id, third.id}


def test_somebody_elses_chat_and_a_deleted_one_are_not_there(chat: Chat, talker: Talker) -> None:
    stranger = Talker(new_id(), new_id(), "live")
    trial = Talker(talker.account_id, talker.person_id, "test")

    for whose in (stranger, trial):
        with pytest.raises(NotFound):
            Chat.owned_by(whose, chat.id)
    Chat.update(deleted_at=factories.LATER).execute()
    with pytest.raises(ResourceDeleted):
        Chat.owned_by(talker, chat.id)
    assert list(Chat.of(talker)) == []


def test_a_job_cancelled_in_its_queue_ends_its_message(chat: Chat, talker: Talker) -> None:
    answer = pending(chat, talker.account_id)

    engine.cancel(rows.row(answer), rows.WINDOW)

    assert state(answer) == ("partial", "cancelled", "CANCELLED")


def test_a_job_whose_attempts_are_used_up_ends_its_message(chat: Chat, talker: Talker) -> None:
    answer = pending(chat, talker.account_id, max_attempts=1)
    claim = engine.claim(answer, "worker", rows.LEASE)
    assert claim is not None

    assert engine.retry(claim, 0.0, "UPSTREAM_ERROR", "away", rows.WINDOW)[0] == "failed"

    assert state(answer) == ("failed", None, "UPSTREAM_ERROR")


def test_the_beginning_of_an_answer_that_failed_is_a_partial_one(
    chat: Chat, talker: Talker
) -> None:
    answer = pending(chat, talker.account_id, max_attempts=1)
    claim = engine.claim(answer, "worker", rows.LEASE)
    assert claim is not None
    Message.update(content="In the ").where(Message.id == answer).execute()

    engine.retry(claim, 0.0, "UPSTREAM_ERROR", "away", rows.WINDOW)

    assert state(answer) == ("partial", None, "UPSTREAM_ERROR")


def test_a_poisonous_job_ends_its_message(chat: Chat, talker: Talker) -> None:
    answer = pending(chat, talker.account_id)
    claim = engine.claim(answer, "worker", rows.LEASE)
    assert claim is not None
    database.rows("update job set lease_until = now() - interval '1 s' where id = %s", (answer,))

    database.rows("select * from job_expire(%s, %s, 1, %s)", (answer, claim.attempt, rows.WINDOW))

    assert state(answer) == ("failed", None, "JOB_POISONOUS")


def test_a_job_that_will_be_tried_again_leaves_its_message_pending(
    chat: Chat, talker: Talker
) -> None:
    answer = pending(chat, talker.account_id, max_attempts=3)
    claim = engine.claim(answer, "worker", rows.LEASE)
    assert claim is not None

    engine.retry(claim, 60.0, "UPSTREAM_ERROR", "away", rows.WINDOW)

    assert state(answer) == ("pending", None, None)


def test_what_an_attempt_wrote_is_not_written_over(chat: Chat, talker: Talker) -> None:
    answer = pending(chat, talker.account_id)
    claim = engine.claim(answer, "worker", rows.LEASE)
    assert claim is not None
    Message.update(status="complete", content="whole").where(Message.id == answer).execute()

    engine.finish(claim, Ending("failed", error_code="X", error_message="x"), rows.WINDOW)

    assert state(answer) == ("complete", None, None)
