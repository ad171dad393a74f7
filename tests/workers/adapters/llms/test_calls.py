"""How long a call may take: by a clock that is moved by hand."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from jobs.llms.provider import Limits
from models.kernel.clock import SystemClock
from models.kernel.errors import UpstreamError, UpstreamTimeout
from tests.fakes.clock import FakeClock
from workers.adapters.llms.calls import TAIL_SECONDS, Call, Watchdog

LIMITS = Limits(connect=5, first=30, idle=20, whole=600)


class FakeSocket:
    """Knows when it was shut."""

    def __init__(self) -> None:
        self.shut_down = threading.Event()

    def shut(self) -> None:
        self.shut_down.set()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def call(clock: FakeClock) -> Call:
    return Call(LIMITS, clock)


def left(call: Call, clock: FakeClock) -> float:
    return call.deadline() - clock.elapsed()


def test_each_stage_has_its_limit(call: Call, clock: FakeClock) -> None:
    connecting = left(call, clock)
    clock.move(1)
    call.sent()
    waiting = left(call, clock)
    clock.move(10)
    call.heard()
    going_on = left(call, clock)
    call.whole()

    assert (connecting, waiting, going_on) == (5, 29, 20)
    assert left(call, clock) == TAIL_SECONDS


def test_the_whole_limit_holds_in_every_stage(call: Call, clock: FakeClock) -> None:
    call.sent()
    clock.move(595)
    call.heard()

    assert left(call, clock) == 5


def test_the_reader_s_own_time_is_not_the_vendor_s(call: Call, clock: FakeClock) -> None:
    call.sent()
    call.heard()
    clock.move(4)
    call.rest()
    clock.move(100)
    resting = left(call, clock)
    call.resume()

    assert (resting, left(call, clock)) == (16, 16)


def test_first_and_idle_limits_of_the_same_length_are_told_apart(clock: FakeClock) -> None:
    call = Call(Limits(connect=5, first=20, idle=20, whole=600), clock)
    call.sent()
    call.heard()
    clock.move(20)

    call.expire()

    assert "go on" in str(call.fault)


def test_an_end_from_outside_shuts_the_socket_and_is_told_to_who_comes_later(call: Call) -> None:
    socket = FakeSocket()
    call.take(socket)

    call.stop()

    assert socket.shut_down.is_set()
    with pytest.raises(UpstreamError, match="stopped"):
        call.take(FakeSocket())


def test_who_let_its_socket_go_does_not_shut_it(call: Call) -> None:
    socket = FakeSocket()
    call.take(socket)
    call.let_go()

    call.stop()

    assert not socket.shut_down.is_set()


def test_the_first_end_is_the_one_that_is_told(call: Call) -> None:
    call.expire()
    call.stop()

    assert isinstance(call.fault, UpstreamTimeout)


@pytest.fixture
def watchdog() -> Iterator[Watchdog]:
    with closing(Watchdog(SystemClock())) as watchdog:
        yield watchdog


@pytest.mark.parametrize("others", [0, 200])
def test_the_watchdog_ends_what_is_late_and_nothing_else(watchdog: Watchdog, others: int) -> None:
    late, patient = FakeSocket(), FakeSocket()
    limits = Limits(connect=600)
    for _ in range(others):
        watchdog.watch(Call(limits, SystemClock()))
    slow = Call(limits, SystemClock())
    slow.take(patient)
    watchdog.watch(slow)
    call = Call(Limits(connect=0.02), SystemClock())
    call.take(late)

    watchdog.watch(call)

    assert late.shut_down.wait(60)
    assert not patient.shut_down.is_set()


def test_a_deadline_that_comes_nearer_is_noticed(watchdog: Watchdog) -> None:
    socket = FakeSocket()
    call = Call(Limits(connect=60, first=60, idle=0.02, whole=60), SystemClock())
    call.take(socket)
    watchdog.watch(call)

    call.sent()
    call.heard()

    assert socket.shut_down.wait(60)
