"""A connection to RabbitMQ whose every wait has a number.

Pika bounds how long it connects and how long a node may block it, but waits for any answer for
ever, and a queue without a leader gives none (docs/decisions/0015).
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

import pika
from dramatiq.errors import BrokerConnectionError, ConnectionClosed
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError

ANSWER_SECONDS: Final = 8.0
"""Longer than a node may block a publisher, and than the 5 s it takes to delete a deaf queue."""

RABBIT_FAULTS: Final = (
    BrokerConnectionError,
    AMQPError,
    AMQPConnectorException,  # what pika raises when a node takes the call and says nothing
    OSError,
)
"""What may be raised when RabbitMQ is away."""


class NoAnswer(ConnectionClosed):
    """RabbitMQ owed an answer for too long, and the connection was given up."""


class Line(pika.BlockingConnection):  # type: ignore[misc]  # theirs
    """A connection that ends with `NoAnswer` when it has waited `ANSWER_SECONDS` for anything."""

    def _flush_output(self, *waiters: Callable[[], bool]) -> None:
        """Wait as theirs does, which knows no limit."""
        if self.is_closed:
            super()._flush_output(*waiters)  # it raises
        limit = self._impl.ioloop.call_later(ANSWER_SECONDS, self._give_up)
        try:
            super()._flush_output(*waiters)
        finally:
            self._impl.ioloop.remove_timeout(limit)

    def _give_up(self) -> None:
        error = NoAnswer("RabbitMQ owes an answer")  # type: ignore[no-untyped-call]  # theirs
        self._impl._terminate_stream(error)  # noqa: SLF001 - as its heartbeat does


def hang_up(line: pika.BlockingConnection) -> None:
    """Close a connection, whatever state it is in."""
    if line.is_open:
        with suppress(*RABBIT_FAULTS):
            line.close()
