"""The canary."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from jobs.system import Echo, echo, pieces
from models.kernel.errors import Cancelled


class Listener:
    """A run that writes down what it is told, and is cancelled after so many checks."""

    def __init__(self, checks: int = 1_000) -> None:
        self.text: list[str] = []
        self.steps: list[tuple[int, int]] = []
        self.waits: list[float] = []
        self._checks = checks

    def check(self) -> None:
        if not self._checks:
            raise Cancelled
        self._checks -= 1

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)

    def delta(self, text: str) -> None:
        self.text.append(text)

    def progress(self, completed: int, total: int) -> None:
        self.steps.append((completed, total))


@settings(derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(some.text(), some.integers(1, 50))
def test_the_pieces_together_are_the_text(text, count):
    cut = pieces(text, count)

    assert "".join(cut) == text
    assert len(cut) == count
    assert max(map(len, cut)) - min(map(len, cut)) <= 1


def test_an_echo_streams_its_text_and_returns_it():
    run = Listener()

    outcome = echo(Echo("hello", chunks=3, interval_ms=20), run)

    assert "".join(run.text) == "hello"
    assert run.steps == [(1, 3), (2, 3), (3, 3)]
    assert run.waits == [0.02, 0.02]
    assert outcome.result == {"text": "hello"}
    assert not outcome.cost


def test_an_echo_that_is_cancelled_stops_between_its_pieces():
    run = Listener(checks=2)

    with pytest.raises(Cancelled):
        echo(Echo("hello", chunks=5), run)

    assert len(run.text) == 2


def test_an_echo_survives_the_way_through_its_row():
    job = Echo("hello", chunks=3, interval_ms=20)

    assert Echo.from_input({**job.to_input(), "unknown": 1}) == job
