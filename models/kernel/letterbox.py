"""The broker over Redis: one list a queue, and taking a message out is all there is to it.

A message that is lost is sent again from its row, so none is acknowledged, leased or kept for a
worker that may be dead: whoever pops it has it. A worker that stops puts back what it has not
begun. Waiting is done by Redis, so that an idle worker hears of a message at once.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from threading import Condition
from typing import Final

import redis
from dramatiq import Broker, Consumer, Message, MessageProxy
from dramatiq.errors import ConnectionClosed

PREFIX: Final = "dramatiq:"
MOST_MESSAGES: Final = 100_000

Letter = tuple[str, str, str]
"""A message: its queue, its actor, and the id of its job."""


class Letterbox(Broker):
    """Dramatiq's broker on lists. A list is bounded: its oldest messages fall out first."""

    def __init__(self, cache: redis.Redis) -> None:
        """Take the client of the broker's own database; connect nothing yet."""
        super().__init__(middleware=[])
        self._cache = cache

    def declare_queue(self, queue_name: str) -> None:
        """Know a queue; in Redis it is there when something is in it."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues[queue_name] = None
            self.emit_after("declare_queue", queue_name)

    def enqueue(self, message: Message[None], *, delay: int | None = None) -> Message[None]:
        """Post one message; waiting happens in rows, so a `delay` is refused."""
        if delay is not None:
            raise ValueError("messages are not delayed: jobs wait in their rows")
        self.post([(message.queue_name, message.actor_name, str(message.args[0]))])
        return message

    def post(self, letters: Sequence[Letter]) -> None:
        """Post some messages in one round trip."""
        pipe = self._cache.pipeline(transaction=False)
        for queue, actor, job_id in letters:
            pipe.rpush(PREFIX + queue, f"{actor} {job_id}")
        for queue in {letter[0] for letter in letters}:
            pipe.ltrim(PREFIX + queue, -MOST_MESSAGES, -1)
        pipe.execute()

    def put_back(self, letters: Sequence[Letter]) -> None:
        """Put messages back in front of the others."""
        pipe = self._cache.pipeline(transaction=False)
        for queue, actor, job_id in reversed(letters):
            pipe.lpush(PREFIX + queue, f"{actor} {job_id}")
        pipe.execute()

    def take(self, queue: str, most: int, seconds: float) -> list[bytes]:
        """Take some messages out; wait for the first one as long as that."""
        words = "BLMPOP", seconds, 1, PREFIX + queue, "LEFT", "COUNT", most
        answer = self._cache.execute_command(*words)
        return list(answer[1]) if answer else []

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Consumer:
        """Open a consumer; it waits `timeout` milliseconds for a message before it gives None."""
        return _Slot(self, queue_name, prefetch, timeout / 1000)


class _Slot(Consumer):
    """One worker's hand in one queue: it holds at most `prefetch` messages that are not done."""

    def __init__(self, box: Letterbox, queue: str, prefetch: int, seconds: float) -> None:
        self._box = box
        self._queue = queue
        self._prefetch = prefetch
        self._seconds = seconds
        self._held = 0
        self._taken: deque[bytes] = deque()
        self._is_done = Condition()

    def __next__(self) -> MessageProxy | None:
        """Return the next message, or None when there was none in time, or no room for one."""
        if not self._taken and (room := self._room()):
            try:
                self._taken.extend(self._box.take(self._queue, room, self._seconds))
            except redis.RedisError as error:
                raise ConnectionClosed(error) from None
        if not self._taken:
            return None
        with self._is_done:
            self._held += 1
        return MessageProxy(_message(self._queue, self._taken.popleft()))

    def ack(self, message: MessageProxy) -> None:  # noqa: ARG002 - theirs
        """Note that there is room for another."""
        with self._is_done:
            self._held -= 1
            if self._held <= self._prefetch // 2:
                self._is_done.notify()

    def nack(self, message: MessageProxy) -> None:
        """Do the same: failing happens in the job's row."""
        self.ack(message)

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Put back what was not begun."""
        self._put_back([(m.queue_name, m.actor_name, str(m.args[0])) for m in messages])

    def close(self) -> None:
        """Put back what was not handed out."""
        left = [_message(self._queue, data) for data in self._taken]
        self._taken.clear()
        self._put_back([(m.queue_name, m.actor_name, str(m.args[0])) for m in left])

    def _put_back(self, letters: Sequence[Letter]) -> None:
        if not letters:
            return
        try:
            self._box.put_back(letters)
        except redis.RedisError as error:
            raise ConnectionClosed(error) from None

    def _room(self) -> int:
        """Return how many more may be taken, once half of them are done or the time is over."""
        with self._is_done:
            self._is_done.wait_for(lambda: self._held <= self._prefetch // 2, self._seconds)
            return self._prefetch - self._held


def _message(queue: str, data: bytes) -> Message[None]:
    actor, _, job_id = data.decode().partition(" ")
    return Message(queue, actor, (job_id,), {}, {}, message_id=job_id, message_timestamp=0)
