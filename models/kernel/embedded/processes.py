"""Processes as the kernel shows them in /proc: found by what they are, waited for, ended."""

import os
import select
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

Steps = Iterable[tuple[signal.Signals, float]]
"""How to end a process: each signal, and the seconds it has before the next one."""


def python_first(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which `python` is the one that runs us."""
    others = environment.get("PATH", os.defpath)
    return {**environment, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{others}"}


def pids() -> list[int]:
    """Return the processes of this machine that we may see."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def command_line(pid: int) -> list[str]:
    """Return the words a process was started with, or its title; nothing if it is gone."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return []
    return raw.rstrip(b"\0").decode(errors="replace").split("\0")


def found(is_meant: Callable[[list[str]], bool]) -> list[int]:
    """Return the processes whose command line is the one meant."""
    lines = {pid: command_line(pid) for pid in pids()}
    return [pid for pid, words in lines.items() if words and is_meant(words)]


def descendants(pid: int) -> list[int]:
    """Return the children of a process, their children, and so on."""
    parents = {child: _parent(child) for child in pids()}
    family, grown = {pid}, True
    while grown:
        more = {child for child, parent in parents.items() if parent in family} - family
        family |= more
        grown = bool(more)
    return sorted(family - {pid})


def _parent(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return int(stat.rpartition(")")[2].split()[1])


def is_gone(pid: int, seconds: float) -> bool:
    """Wait until a process, ours or not, has ended; say whether it did in time."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        return bool(poll.poll(seconds * 1_000))
    finally:
        os.close(handle)


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may be gone."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def end(pid: int, steps: Steps) -> None:
    """Send one signal after the other, each with its time, until the process is gone."""
    for number, seconds in steps:
        send(pid, number)
        if is_gone(pid, seconds):
            return


def send_group(pid: int, number: signal.Signals) -> None:
    """Send a signal to the process group this process leads or led, if any of it is left."""
    with suppress(ProcessLookupError):
        os.killpg(pid, number)


def kill_group(pid: int) -> None:
    """Kill what is left of the process group this process leads or led."""
    send_group(pid, signal.SIGKILL)


def kill_family(pid: int) -> None:
    """Kill a process, its group and all its descendants, whatever group they are in."""
    family = [pid, *descendants(pid)]
    kill_group(pid)
    for member in family:
        send(member, signal.SIGKILL)
