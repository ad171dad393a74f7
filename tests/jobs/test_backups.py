"""The operator's own backup: run, waited for, ended when it lasts too long, told of."""

import sys
from pathlib import Path
from threading import Thread

import pytest
from structlog.testing import capture_logs

from jobs.backups import back_up
from jobs.schedules.pulse import Interrupted, NotDone, Pulse, Skipped, TookTooLong
from models.kernel.clock import SystemClock
from models.kernel.settings import BadSettings, load
from tests.fakes.clock import FakeClock
from tests.processes import until


@pytest.fixture
def pulse() -> Pulse:
    return Pulse(SystemClock(), 60)


def command(code: str, *arguments: object) -> str:
    return " ".join([sys.executable, "-c", f'"{code}"', *map(str, arguments)])


def test_a_command_is_run_without_a_shell(pulse: Pulse, tmp_path: Path) -> None:
    code = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text(sys.argv[2])"

    told = back_up(command(code, tmp_path / "done", "$HOME;ls"), pulse)

    assert told == "the command ended with 0"
    assert (tmp_path / "done").read_text() == "$HOME;ls"


def test_without_a_command_nothing_is_said_to_be_done(pulse: Pulse) -> None:
    with pytest.raises(Skipped, match="ILM_BACKUP_COMMAND is not set"):
        back_up("", pulse)


def test_a_command_that_fails_is_told_by_its_code_and_its_last_words_are_logged(
    pulse: Pulse,
) -> None:
    code = "import sys; print('no room'); sys.exit(3)"
    words = r"^the command ended with 3; the log has its last words$"

    with capture_logs() as logged, pytest.raises(NotDone, match=words):
        back_up(command(code), pulse)

    assert [(line["code"], line["said"].strip()) for line in logged] == [(3, "no room")]


def test_a_command_there_is_none_of_is_told(pulse: Pulse) -> None:
    with pytest.raises(NotDone, match="the command cannot be run: No such file"):
        back_up("/nowhere/backup --all", pulse)


@pytest.mark.parametrize("error", [Interrupted, TookTooLong])
def test_a_command_is_ended_with_its_run(tmp_path: Path, error: type[Exception]) -> None:
    clock = FakeClock()
    pulse = Pulse(clock, 60)
    begun, ended = tmp_path / "begun", tmp_path / "ended"
    code = (
        "import pathlib, signal, sys;"
        "signal.signal(15, lambda *_: (pathlib.Path(sys.argv[2]).touch(), sys.exit(1)));"
        "pathlib.Path(sys.argv[1]).touch();"
        "signal.pause()"
    )
    raised: list[BaseException] = []

    def run() -> None:
        try:
            back_up(command(code, begun, ended), pulse)
        except (Interrupted, TookTooLong) as caught:
            raised.append(caught)

    thread = Thread(target=run)
    thread.start()
    until(begun.exists, "the command does not begin")
    if error is Interrupted:
        pulse.interrupt()
    else:
        clock.move(61)
    thread.join()

    assert [type(each) for each in raised] == [error]
    assert ended.exists()


def test_a_command_nobody_can_read_stops_the_boot() -> None:
    with pytest.raises(BadSettings, match="ILM_BACKUP_COMMAND: No closing quotation"):
        load({"ILM_BACKUP_COMMAND": "backup 'all"})
