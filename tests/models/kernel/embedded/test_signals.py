"""Wishes to stop: what `make` passes on is the same wish, and what comes later is another."""

import signal

from models.kernel.embedded.signals import ECHO_SECONDS, Signals
from tests.fakes.clock import FakeClock


def wishes(signals: Signals, clock: FakeClock) -> list[signal.Signals]:
    """Read all that came, and be slow about it."""
    found = []
    for _ in range(9):
        found.append(signals.wish(0))
        clock.move(2 * ECHO_SECONDS)
    return [wish for wish in found if wish is not None]


def test_an_echo_is_one_however_late_it_is_read() -> None:
    clock = FakeClock()

    with Signals(clock) as signals:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        found = wishes(signals, clock)

    assert found == [signal.SIGINT]


def test_a_wish_that_comes_later_is_another_though_both_are_read_at_once() -> None:
    clock = FakeClock()

    with Signals(clock) as signals:
        signal.raise_signal(signal.SIGINT)
        clock.move(ECHO_SECONDS)
        signal.raise_signal(signal.SIGTERM)
        found = [wish for wish in (signals.wish(0) for _ in range(9)) if wish is not None]

    assert found == [signal.SIGINT, signal.SIGTERM]
