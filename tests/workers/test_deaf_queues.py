"""A quorum queue that has no leader for good: it takes letters and listeners, and answers none."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pika
import pytest
from pika.exceptions import ChannelClosedByBroker

from jobs.postman import Postman
from jobs.queue import Queue, Sender
from jobs.streams import Streams
from jobs.system import Echo
from models.engine import Ready
from models.jobs import JobRow
from models.kernel.broker import open_broker
from models.kernel.clock import SystemClock
from models.kernel.ids import new_id
from models.kernel.settings import Settings
from tests.conftest import want_rabbit
from tests.processes import Processes
from tests.servers import Rabbit
from tests.streams import eventually

OTHER = "pages"
JOBS = 30
HEAL_SECONDS = 120.0
"""Many times two waits for an answer, the deleting, a reconciler's 10 s, and a listener's 10."""


@pytest.fixture
def rabbit(tmp_path: Path) -> Iterator[Rabbit]:
    """A node that nobody else needs afterwards."""
    want_rabbit()
    with Rabbit(tmp_path) as node:
        yield node


def delete(node: Rabbit, name: str) -> None:
    """Delete a queue; whoever sends to it declares it again."""
    with pika.BlockingConnection(pika.URLParameters(node.url)) as connection:
        connection.channel().queue_delete(name)


def has_letters(node: Rabbit, name: str) -> bool:
    """Say whether messages lie in a queue."""
    with pika.BlockingConnection(pika.URLParameters(node.url)) as connection:
        try:
            answer = connection.channel().queue_declare(name, passive=True)
        except ChannelClosedByBroker:
            return False
        return bool(answer.method.message_count)


def test_a_queue_that_came_back_without_a_leader_is_made_anew_and_its_jobs_end(
    rabbit: Rabbit, database, cache, settings: Settings, sender: Sender, tmp_path: Path
) -> None:
    fleet = replace(settings, broker_url=rabbit.url)
    broker = open_broker(fleet)
    postman = Postman(broker, SystemClock())
    queue = Queue(postman, Streams(cache, SystemClock(), 600), fleet)

    def has_arrived() -> bool:
        postman.post([Ready(new_id(), "test.job", OTHER)])
        return has_letters(rabbit, OTHER)

    with Processes(fleet, tmp_path, ILM_RECONCILE_SECONDS="1") as processes:
        processes.worker("default")
        processes.scheduler()
        first = queue.put(Echo("before"), sender)
        eventually(lambda: JobRow.get_by_id(first.id).is_over, HEAL_SECONDS)
        eventually(has_arrived, HEAL_SECONDS)
        rabbit.kill()
        rabbit.forget_voters()
        rabbit.start()
        delete(rabbit, OTHER)

        rows = [queue.put(Echo(f"job {number}"), sender) for number in range(JOBS)]

        eventually(has_arrived, HEAL_SECONDS)
        assert not any(JobRow.get_by_id(row.id).is_over for row in rows)
        eventually(lambda: all(JobRow.get_by_id(row.id).is_over for row in rows), HEAL_SECONDS)
    postman.stop()
    broker.close()
