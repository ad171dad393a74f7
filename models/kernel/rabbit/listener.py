"""Whoever takes messages out of a queue of RabbitMQ, and asks for them again after a silence."""

from typing import Final

from dramatiq import MessageProxy
from dramatiq.brokers.rabbitmq import RabbitmqBroker, _RabbitmqConsumer
from dramatiq.errors import ConnectionClosed
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError

from models.kernel.clock import SystemClock
from models.kernel.logs import get_logger
from models.kernel.rabbit.line import Line, hang_up

SILENCE_SECONDS: Final = 10.0


class Listener(_RabbitmqConsumer):
    """Consumes one queue; begins again, on the same channel, when it hears nothing for long.

    A queue that was made anew does not know who listened to the one before, and nobody tells them.
    """

    def __init__(
        self, broker: RabbitmqBroker, queue_name: str, prefetch: int, timeout: int
    ) -> None:
        """Connect; `timeout` is in milliseconds. Raises `ConnectionClosed`."""
        self.broker = broker
        self.queue_name = queue_name
        self.logger = get_logger(__name__)
        self.known_tags: set[int] = set()
        self._prefetch = prefetch
        self._timeout = timeout / 1000
        self._clock = SystemClock()
        self._heard_at = self._clock.elapsed()
        try:
            self.connection = Line(broker.parameters)
            self.channel = self.connection.channel()
            self.channel.basic_qos(prefetch_count=prefetch)
            self._begin()
        except (AMQPError, AMQPConnectorException) as error:
            raise ConnectionClosed(error) from None

    def __next__(self) -> MessageProxy | None:
        message: MessageProxy | None = super().__next__()  # type: ignore[no-untyped-call]  # theirs
        now = self._clock.elapsed()
        if message is not None or len(self.known_tags) >= self._prefetch:
            self._heard_at = now
        elif now - self._heard_at >= SILENCE_SECONDS:
            self._heard_at = now
            self._begin_again()
        return message

    def close(self) -> None:
        """Let go of what was taken and not acknowledged. Raises `ConnectionClosed`."""
        try:
            super().close()  # type: ignore[no-untyped-call]  # theirs
        finally:
            hang_up(self.connection)

    def _begin(self) -> None:
        self.iterator = self.channel.consume(self.queue_name, inactivity_timeout=self._timeout)

    def _begin_again(self) -> None:
        try:
            self.channel.cancel()
            self._begin()
        except AMQPError as error:
            raise ConnectionClosed(error) from None
