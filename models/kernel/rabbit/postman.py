"""Dramatiq's broker for RabbitMQ, stripped to a postman: confirms, and quorum queues.

A node that died at a bad moment may come back with a queue that has no leader, for good: it takes
messages and confirms none. A message is disposable, so such a queue is deleted and declared again
(docs/decisions/0015).
"""

from threading import Event
from typing import Any, Final

import pika
from dramatiq import Message
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.errors import ConnectionClosed
from pika.exceptions import NackError

from models.kernel.clock import Clock
from models.kernel.logs import get_logger
from models.kernel.measures import QUEUES_ANEW
from models.kernel.rabbit.line import Line, NoAnswer
from models.kernel.rabbit.listener import Listener

MESSAGE_MS: Final = 600_000
DELIVERIES: Final = 20

GONE_SECONDS: Final = 1.0
PAUSE_SECONDS: Final = 1.0

DEAF_SECONDS: Final = 15.0
"""How long a queue confirms nothing before it is made anew: two waits for an answer."""

LEFT_SECONDS: Final = 60.0

log = get_logger(__name__)


class RabbitPostman(RabbitmqBroker):
    """Quorum queues whose messages expire, and no delay or dead-letter queues beside them.

    A queue that was deleted is declared again after a second, not at once: RabbitMQ 3.10 gives a
    quorum queue that comes back too soon the consumers of the one before, whom no message reaches.
    """

    consumer_class = Listener

    def __init__(self, url: str, clock: Clock) -> None:
        """Connect to nothing yet."""
        super().__init__(parameters=None, url=url, confirm_delivery=True, middleware=[])
        self._declared: set[str] = set()
        self._gone_since: dict[str, float] = {}
        self._clock = clock
        self._left_until: dict[str, float] = {}
        self._pause = Event()

    @property
    def connection(self) -> pika.BlockingConnection:
        """The connection of the thread that asks."""
        if getattr(self.state, "connection", None) is None:
            self.state.connection = Line(self.parameters)
            self.connections.add(self.state.connection)
        return self.state.connection

    @connection.deleter
    def connection(self) -> None:
        RabbitmqBroker.connection.fdel(self)  # type: ignore[attr-defined]  # a property

    def enqueue(
        self,
        message: Message[Any],
        *,
        delay: int | None = None,  # noqa: ARG002 - theirs
    ) -> Message[Any]:
        """Hand a message over; make its queue anew when it confirms nothing for long.

        Where that does not help, what is for this queue is dropped for a while, lest the others
        wait. Raises one of `RABBIT_FAULTS` when the node is away or the queue was deleted just now.
        """
        queue = message.queue_name
        began = self._clock.elapsed()
        if began < self._left_until.get(queue, began):
            return message
        while not self._is_confirmed(message):
            if self._clock.elapsed() - began >= DEAF_SECONDS:
                self._left_until[queue] = self._clock.elapsed() + LEFT_SECONDS
                self._make_anew(queue)
                if self._is_confirmed(message):
                    del self._left_until[queue]
                break
        return message

    def declare_queue(self, queue_name: str, *, ensure: bool = False) -> None:
        """Know a queue; with `ensure`, have it in RabbitMQ."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.queues_pending.add(queue_name)
            self.emit_after("declare_queue", queue_name)
        if ensure:
            self._ensure_queue(queue_name)  # type: ignore[no-untyped-call]  # theirs

    def _is_confirmed(self, message: Message[Any]) -> bool:
        """Send a message; False when a node that is there does not confirm it."""
        try:
            super().enqueue(message)
        except ConnectionClosed as error:
            if not _is_unconfirmed(error):
                raise
            log.warning("broker.queue_silent", queue=message.queue_name)
            del self.connection
            self._pause.wait(PAUSE_SECONDS)
            return False
        return True

    def _make_anew(self, queue: str) -> None:
        """Delete a deaf queue, if the node answers, and have it declared when next needed."""
        log.error("broker.queue_deaf", queue=queue)
        self.channel.queue_delete(queue)
        QUEUES_ANEW.add(queue)
        self._pause.wait(GONE_SECONDS)
        self._declared.discard(queue)
        self.queues_pending.add(queue)

    def _build_queue_arguments(self, queue_name: str) -> dict[str, Any]:  # noqa: ARG002 - theirs
        return {
            "x-queue-type": "quorum",
            "x-delivery-limit": DELIVERIES,
            "x-message-ttl": MESSAGE_MS,
        }

    def _declare_queue(self, queue_name: str) -> Any:
        """Declare a queue; raise `ConnectionClosed` while one of this name was there just now."""
        if queue_name in self._declared:
            now = self._clock.elapsed()
            if now - self._gone_since.setdefault(queue_name, now) < GONE_SECONDS:
                raise ConnectionClosed(f"{queue_name} was deleted")
        answer = super()._declare_queue(queue_name)  # type: ignore[no-untyped-call]  # theirs
        self._declared.add(queue_name)
        self._gone_since.pop(queue_name, None)
        return answer

    def _declare_dq_queue(self, queue_name: str) -> None:
        """Declare nothing: waiting happens in the job's row."""

    def _declare_xq_queue(self, queue_name: str) -> None:
        """Declare nothing: failing happens in the job's row."""


def _is_unconfirmed(error: BaseException) -> bool:
    """Say whether a node was there and did not confirm: it said nothing, or that it could not."""
    return isinstance(error, NoAnswer) or any(isinstance(why, NackError) for why in error.args)
