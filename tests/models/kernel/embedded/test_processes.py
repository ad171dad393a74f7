"""Processes: whole families are found and ended."""

import signal
import subprocess
from collections.abc import Iterator
from subprocess import PIPE, Popen

import pytest

from models.kernel.embedded.processes import (
    command_line,
    descendants,
    end,
    found,
    is_gone,
    kill_family,
    send,
)
from tests.models.kernel.embedded.stacks import SECONDS, are_gone

STUBBORN = "trap '' TERM INT; setsid sleep 4321 & echo up; while :; do wait; done"


@pytest.fixture
def parent() -> Iterator[Popen[bytes]]:
    """A process deaf to SIGTERM, with a child in a session of its own."""
    process = Popen(["sh", "-c", STUBBORN], stdout=PIPE, start_new_session=True)
    assert process.stdout
    process.stdout.readline()
    family = [process.pid, *descendants(process.pid)]
    yield process
    for pid in family:
        send(pid, signal.SIGKILL)
    process.communicate()


def test_a_family_dies_whatever_session_it_is_in(parent: Popen[bytes]) -> None:
    family = [parent.pid, *descendants(parent.pid)]
    assert len(family) > 1

    kill_family(parent.pid)

    assert are_gone(family)


def test_a_deaf_process_gets_the_next_signal(parent: Popen[bytes]) -> None:
    end(parent.pid, [(signal.SIGTERM, 0.1), (signal.SIGKILL, SECONDS)])

    assert parent.wait(SECONDS) == -signal.SIGKILL


def test_a_process_is_found_by_its_words(parent: Popen[bytes]) -> None:
    words = ["sh", "-c", STUBBORN]

    assert parent.pid in found(lambda given: given == words)


def test_a_process_that_is_over_has_no_words_and_is_gone() -> None:
    process = subprocess.Popen(["true"])
    process.wait()

    assert command_line(process.pid) == []
    assert is_gone(process.pid, 0)
