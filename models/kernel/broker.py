"""The broker: Dramatiq over RabbitMQ or Redis, stripped to a postman.

A message is disposable: it names a job, whose row is the truth (ARCHITECTURE §5). So Dramatiq's
own retries, delays, results and dead letters are off, and losing or repeating a message is
harmless. RabbitMQ: confirms, `mandatory`, quorum queues, a time to live. Redis: a database of
its own, with one list a queue (`models/kernel/letterbox.py`).
"""

from collections.abc import Sequence
from typing import Any, Final

import pika
from dramatiq import Broker, Message
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.errors import BrokerConnectionError, ConnectionClosed
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError
from redis import RedisError

from models.kernel.cache import BROKER, open_cache
from models.kernel.clock import SystemClock
from models.kernel.letterbox import Letter, Letterbox
from models.kernel.settings import Settings

MESSAGE_MS: Final = 600_000
DELIVERIES: Final = 20

GONE_SECONDS: Final = 1.0

BROKER_FAULTS: Final = (
    BrokerConnectionError,
    AMQPError,
    AMQPConnectorException,  # what pika raises when a node takes the call and says nothing
    RedisError,
    OSError,
)
"""What sending may raise when the broker is away."""


class _RabbitPostman(RabbitmqBroker):
    """Quorum queues whose messages expire, and no delay or dead-letter queues beside them.

    A queue that was deleted is declared again after a second, not at once: RabbitMQ 3.10 gives a
    quorum queue that comes back too soon the consumers of the one before, whom no message reaches.
    """

    def __init__(self, url: str) -> None:
        super().__init__(parameters=None, url=url, confirm_delivery=True, middleware=[])
        self._declared: set[str] = set()
        self._gone_since: dict[str, float] = {}
        self._clock = SystemClock()

    def declare_queue(self, queue_name: str, *, ensure: bool = False) -> None:
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.queues_pending.add(queue_name)
            self.emit_after("declare_queue", queue_name)
        if ensure:
            self._ensure_queue(queue_name)  # type: ignore[no-untyped-call]  # theirs

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


def open_broker(settings: Settings) -> Broker:
    """Make this process's broker without connecting yet."""
    if settings.broker_url:
        return _RabbitPostman(_bounded(settings.broker_url))
    return Letterbox(open_cache(settings, number=BROKER))


def _bounded(url: str) -> str:
    """Bound every wait of pika's: connecting, handshake, and a blocked publisher."""
    limits = "socket_timeout=5&stack_timeout=5&blocked_connection_timeout=5&heartbeat=15"
    limits += "&connection_attempts=1"
    return f"{url}{'&' if '?' in url else '?'}{limits}"


def send(broker: Broker, letters: Sequence[Letter]) -> None:
    """Post some messages; raise one of `BROKER_FAULTS` when they cannot be handed over."""
    if isinstance(broker, Letterbox):
        broker.post(letters)
        return
    for queue, actor, job_id in letters:
        broker.enqueue(Message(queue, actor, (job_id,), {}, {}, message_id=job_id))


def check(settings: Settings) -> None:
    """Raise one of `BROKER_FAULTS` unless the broker answers."""
    if settings.broker_url:
        pika.BlockingConnection(pika.URLParameters(_bounded(settings.broker_url))).close()
    else:
        open_cache(settings, number=BROKER).ping()
