"""The broker: Dramatiq over RabbitMQ or Redis, stripped to a postman.

A message is disposable: it names a job, whose row is the truth (ARCHITECTURE §5). So Dramatiq's
own retries, delays, results and dead letters are off, and losing or repeating a message is
harmless. RabbitMQ: confirms, `mandatory`, quorum queues, a time to live
(`models/kernel/rabbit/`). Redis: a database of its own, with one list a queue
(`models/kernel/letterbox.py`).
"""

from collections.abc import Sequence
from typing import Final

import pika
from dramatiq import Broker, Message
from redis import RedisError

from models.kernel.cache import BROKER, open_cache
from models.kernel.clock import SystemClock
from models.kernel.letterbox import Letter, Letterbox
from models.kernel.rabbit.line import RABBIT_FAULTS, Line
from models.kernel.rabbit.postman import RabbitPostman
from models.kernel.settings import Settings

BROKER_FAULTS: Final = (*RABBIT_FAULTS, RedisError)
"""What sending may raise when the broker is away."""


def open_broker(settings: Settings) -> Broker:
    """Make this process's broker without connecting yet."""
    if settings.broker_url:
        return RabbitPostman(_bounded(settings.broker_url), SystemClock())
    return Letterbox(open_cache(settings, number=BROKER))


def _bounded(url: str) -> str:
    """Bound what pika can: connecting, handshake, and a blocked publisher; `Line` does the rest."""
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
        Line(pika.URLParameters(_bounded(settings.broker_url))).close()
    else:
        open_cache(settings, number=BROKER).ping()
