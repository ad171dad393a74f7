"""What a postman does about queues that confirm nothing, on a node that does as it is told."""

from typing import Any

from dramatiq import Message

from models.kernel.broker import send
from models.kernel.rabbit.line import ANSWER_SECONDS
from models.kernel.rabbit.postman import DEAF_SECONDS, LEFT_SECONDS, RabbitPostman
from tests.fakes.clock import FakeClock


class Obedient(RabbitPostman):
    """A postman of a node that is nowhere: what is `deaf` confirms nothing until it is healed."""

    def __init__(self, clock: FakeClock, *, deaf: str, is_healed_anew: bool) -> None:
        super().__init__("amqp://127.0.0.1:1/%2F", clock)
        self.deaf = {deaf}
        self.confirmed: list[str] = []
        self.anew: list[str] = []
        self._fake = clock
        self._is_healed_anew = is_healed_anew

    def _is_confirmed(self, message: Message[Any]) -> bool:
        if message.queue_name in self.deaf:
            self._fake.move(ANSWER_SECONDS)
            return False
        self.confirmed.append(message.args[0])
        return True

    def _make_anew(self, queue: str) -> None:
        self.anew.append(queue)
        if self._is_healed_anew:
            self.deaf.clear()


def test_what_found_a_queue_deaf_arrives_once_that_is_made_anew():
    clock = FakeClock()
    postman = Obedient(clock, deaf="pages", is_healed_anew=True)
    began = clock.elapsed()

    send(postman, [("pages", "test.job", "1"), ("pages", "test.job", "2")])

    assert postman.confirmed == ["1", "2"]
    assert postman.anew == ["pages"]
    assert clock.elapsed() - began >= DEAF_SECONDS


def test_a_queue_that_stays_deaf_is_left_alone_so_that_others_get_theirs():
    clock = FakeClock()
    postman = Obedient(clock, deaf="pages", is_healed_anew=False)
    send(postman, [("pages", "test.job", "1")])
    began = clock.elapsed()

    send(postman, [("pages", "test.job", "2"), ("default", "test.job", "3")])

    assert postman.confirmed == ["3"]
    assert postman.anew == ["pages"]
    assert clock.elapsed() == began


def test_a_queue_that_was_left_alone_is_tried_again_after_a_while():
    clock = FakeClock()
    postman = Obedient(clock, deaf="pages", is_healed_anew=False)
    send(postman, [("pages", "test.job", "1")])
    clock.move(LEFT_SECONDS)
    postman.deaf.clear()

    send(postman, [("pages", "test.job", "2")])

    assert postman.confirmed == ["2"]
