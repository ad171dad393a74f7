"""Embedded stacks a test can start, hurt and stop; what it leaves is ended after it."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.models.kernel.embedded.stacks import STAY, Stack, bare_environment

Start = Callable[..., Stack]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that does not exist yet."""
    return tmp_path / "var"


@pytest.fixture
def start(home: Path) -> Iterator[Start]:
    """Start a stack with a command (one that stays by default), settings, words before it."""
    stacks: list[Stack] = []

    def started(
        *command: str,
        prefix: Sequence[str] = (),
        options: Sequence[str] = (),
        idle: bool = False,
        **settings: str,
    ) -> Stack:
        words = () if idle else command or STAY
        process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "models.kernel.embedded", *options, "--", *words],
            cwd=home.parent,
            env={**bare_environment(), "ILM_HOME": str(home), **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        stacks.append(Stack(process, home))
        return stacks[-1]

    yield started
    for stack in reversed(stacks):
        stack.end()
