"""The queue: a value becomes a row, and the row a message, in that order."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

import pytest

from jobs.job import Job
from jobs.queue import Sender, Wishes, job_body
from jobs.system import Echo
from models import engine
from models.catalogue.queues import queues
from models.engine import Ending
from models.kernel.database import database as bound
from models.kernel.denials import PaymentRequired
from models.kernel.errors import IdempotencyMismatch
from models.kernel.money import Estimate, Nano
from tests import factories
from tests.rows import LEASE, account, events, lane, money, row
from tests.streams import eventually, kinds_of


@dataclass(frozen=True, slots=True)
class Priced(Job):
    """A job with a price, about something."""

    name: ClassVar[str] = "test.priced"
    queue: ClassVar[str] = "llm"

    topic: UUID

    @property
    def subject(self) -> UUID:
        return self.topic

    @property
    def estimate(self) -> Estimate:
        return Estimate(Nano(50))


@pytest.fixture
def sender(database):
    return Sender(account(100), "live", "req_1")


def test_a_job_that_is_put_is_a_row_and_then_a_message(queue, postman, sender):
    seen = []
    post = postman.post

    def watching(ready):
        letters = list(ready)
        seen.extend(row(letter.id).state for letter in letters)
        post(letters)

    postman.post = watching
    put = queue.put(Echo("hello", chunks=2), sender, Wishes(priority=7))

    kept = row(put.id)
    assert seen == ["queued"]
    assert postman.posted == [put.id]
    assert (kept.type, kept.queue, kept.priority) == ("system.echo", "default", 7)
    assert Echo.from_input(kept.input) == Echo("hello", chunks=2)
    assert (kept.account_id, kept.mode, kept.request_id) == (sender.account_id, "live", "req_1")


def test_a_job_takes_its_limits_from_its_queue_and_its_hold_from_itself(queue, sender):
    topic = account()
    put = queue.put(Priced(topic), sender)

    kept, policy = row(put.id), queues()["llm"]
    assert kept.max_attempts == policy.attempts
    assert (kept.deadline_at - kept.created_at).total_seconds() == policy.deadline
    assert kept.subject_id == topic
    assert money(sender.account_id) == (100, 50)


def test_a_job_nobody_can_pay_is_neither_kept_nor_rung(queue, postman, database):
    poor = Sender(account(10), "live")

    with pytest.raises(PaymentRequired):
        queue.put(Priced(poor.account_id), poor)

    assert postman.posted == []
    assert database.rows("select count(*) from job") == [(0,)]


def test_what_a_budget_refuses_is_not_told_as_the_end_of_the_means(queue, sender, database):
    def refused() -> int:
        with pytest.raises(PaymentRequired):
            queue.put(Priced(sender.account_id), sender)
        return events(sender.account_id).count("credits.exhausted")

    queue.put(Priced(sender.account_id), sender)
    factories.budget(sender.account_id, amount_nano=10)
    database.rows("update account set budgets = 1")
    assert refused() == 0
    database.rows("update account set budgets = 0")
    queue.put(Priced(sender.account_id), sender)

    assert (refused(), refused()) == (1, 1)


def test_the_same_key_answers_as_the_first_time_did_and_rings_once(queue, postman, sender):
    wishes = Wishes(idempotency_key="k", fingerprint=b"f")
    first = queue.put(Echo("hello"), sender, wishes)
    claim = engine.claim(first.id, "worker", LEASE)
    assert claim is not None
    engine.finish(claim, Ending("succeeded", {}), 4)
    second = queue.put(Echo("hello"), sender, wishes)

    assert job_body(second) == job_body(first)
    assert postman.posted == [first.id]
    with pytest.raises(IdempotencyMismatch):
        queue.put(Echo("other"), sender, Wishes(idempotency_key="k", fingerprint=b"g"))


def test_a_job_in_a_transaction_that_fails_was_never_there(queue, postman, sender, database):
    def accept_and_fail() -> None:
        with bound.unit():
            engine.accept(queue.draft(Priced(sender.account_id), sender, Wishes()))
            _ = 1 / 0

    with pytest.raises(ZeroDivisionError):
        accept_and_fail()

    assert database.rows("select count(*) from job") == [(0,)]
    assert money(sender.account_id) == (100, 0)
    assert postman.posted == []


def test_cancelling_a_queued_job_ends_it_and_its_stream_and_lets_the_next_in(
    queue, postman, sender, cache, settings
):
    window = queues()["default"].window(settings)
    jobs = [queue.put(Echo("hello"), sender) for _ in range(window + 1)]
    assert len(postman.posted) == window

    fresh = queue.cancel(row(jobs[0].id))

    assert fresh.state == "cancelled"
    assert job_body(fresh)["error"] == {"code": "CANCELLED", "message": "cancelled by its owner"}
    assert kinds_of(cache, fresh.id) == ["end"]
    assert postman.posted[-1] == jobs[-1].id
    assert lane(sender.account_id) == (window, 0)


def test_cancelling_a_running_job_rings_its_worker(queue, sender, cache):
    put = queue.put(Echo("hello"), sender)
    assert engine.claim(put.id, "worker", LEASE)
    with cache.pubsub(ignore_subscribe_messages=True) as ear:
        ear.subscribe("jobs:cancel")
        eventually(lambda: cache.pubsub_numsub("jobs:cancel")[0][1])

        fresh = queue.cancel(row(put.id))
        message = eventually(lambda: ear.get_message(timeout=1))

    assert fresh.state == "running"
    assert message["data"].decode() == put.id.hex


def test_cancelling_what_is_over_says_how_it_ended(queue, sender, cache):
    put = queue.put(Echo("hello"), sender)
    claim = engine.claim(put.id, "worker", LEASE)
    assert claim is not None
    engine.finish(claim, Ending("succeeded", {"text": "hello"}), 4)

    fresh = queue.cancel(row(put.id))

    assert (fresh.state, fresh.result) == ("succeeded", {"text": "hello"})
    assert kinds_of(cache, fresh.id) == []


def test_a_job_as_the_wire_shows_it(queue, sender):
    body = job_body(queue.put(Echo("hello"), sender))

    assert body.pop("id").startswith("job_")
    assert body.pop("createdAt").endswith("Z")
    assert body == {
        "type": "system.echo", "status": "queued",
        "progress": {"completed": 0, "total": 0, "percentage": 0},
        "attempt": 0, "maxAttempts": 5, "startedAt": None, "finishedAt": None, "result": None,
        "error": None,
    }  # fmt: skip
