"""A process that is kept running: pauses that double, a pid file that is true."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from subprocess import Popen

from models.kernel.embedded.kept import Kept, Pauses


class StandingClock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def elapsed(self) -> float:
        return self.at


def begun(words: list[str], run: Path, clock: StandingClock, born: list[Popen[bytes]]) -> Kept:
    """Return a process of these words that is kept running; `born` gets every one started."""

    def start() -> Popen[bytes]:
        born.append(Popen(words, start_new_session=True))
        return born[-1]

    kept = Kept("web", start, pauses=Pauses(0.5, 4.0), run=run, clock=clock)
    kept.begin()
    return kept


def rests(kept: Kept, clock: StandingClock, born: list[Popen[bytes]], deaths: int) -> list[float]:
    """Return the pauses of so many deaths in a row."""
    pauses = []
    for _ in range(deaths):
        born[-1].wait(60)
        kept.revive()
        assert kept.rest is not None
        pauses.append(kept.rest)
        clock.at += kept.rest
        kept.revive()
        assert kept.rest is None
    return pauses


def test_the_pauses_double_up_to_a_bound(tmp_path: Path) -> None:
    clock, born = StandingClock(), list[Popen[bytes]]()
    kept = begun(["false"], tmp_path, clock, born)

    assert rests(kept, clock, born, 5) == [0.5, 1.0, 2.0, 4.0, 4.0]
    kept.end()


def test_a_process_that_was_healthy_is_restarted_soon(tmp_path: Path) -> None:
    clock, born = StandingClock(), list[Popen[bytes]]()
    kept = begun(["false"], tmp_path, clock, born)
    rests(kept, clock, born, 3)

    clock.at += 10

    assert rests(kept, clock, born, 1) == [0.5]
    kept.end()


def test_the_pid_file_names_the_living_process_and_goes_with_it(tmp_path: Path) -> None:
    clock, born = StandingClock(), list[Popen[bytes]]()
    kept = begun(["sleep", "1000"], tmp_path, clock, born)

    assert (tmp_path / "web.pid").read_text() == f"{born[0].pid}\n"
    kept.end()

    assert born[0].returncode == -9
    assert not (tmp_path / "web.pid").exists()


def test_a_start_the_system_cannot_do_is_tried_again(tmp_path: Path) -> None:
    clock = StandingClock()
    outcomes = [["/no/such/program"], ["sleep", "1000"]]
    kept = Kept(
        "web",
        lambda: subprocess.Popen(outcomes.pop(0), start_new_session=True),
        pauses=Pauses(0.5, 4.0),
        run=tmp_path,
        clock=clock,
    )

    kept.begin()
    assert kept.rest == 0.5
    clock.at += 0.5
    kept.revive()

    assert kept.is_running
    kept.end()
