"""Ledgers: what all processes of one home and host have counted, those that ended included.

Each process writes a file of its own, named after host, kind, process id and start, which it keeps
up by writing to memory: nothing is lost when it is killed. Whoever reads folds the ledgers of
processes that ended into one of the past, so that no counter ever goes back; their gauges go.
"""

import fcntl
import json
import os
import re
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from models.kernel.metrics import ENTRY, GAUGE, HEAD, LEDGER, NUMBER
from models.kernel.settings import Settings

FOLDER: Final = "run/metrics"
PAST: Final = "past"

_START: Final = 19
"""Where a process's start is in `/proc/<pid>/stat`, counted from behind its name."""

_ZOMBIE: Final = "Z"

Series = dict[tuple[str, str, tuple[str, ...]], list[float]]
"""The numbers of each kind, metric and labels."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose ledger a file is."""

    host: str
    kind: str
    pid: int
    start: str

    @classmethod
    def myself(cls, kind: str) -> Self:
        """Return this process as an owner."""
        return cls(_host(), kind, os.getpid(), _start_of(os.getpid()) or "0")

    @classmethod
    def of(cls, path: Path) -> Self | None:
        """Return whose a file is, None for one that is nobody's."""
        parts = path.name.removesuffix(".ledger").split("~")
        if len(parts) != 4 or not parts[2].isdecimal():
            return None
        return cls(parts[0], parts[1], int(parts[2]), parts[3])

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"{self.host}~{self.kind}~{self.pid}~{self.start}.ledger"

    @property
    def is_alive(self) -> bool:
        """Whether it still runs, and is not another process with its id."""
        return _start_of(self.pid) == self.start


class Ledgers:
    """The ledgers of one home."""

    def __init__(self, settings: Settings) -> None:
        """Take the home; make nothing yet."""
        self._folder = settings.home.resolve() / FOLDER
        self._past = self._folder / f"{_host()}~{PAST}.json"

    def share(self, kind: str) -> None:
        """Let others read what this process counts, under the kind of process it is.

        Again is nothing. Raises `OSError`.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / Owner.myself(kind).file
        if not path.exists():
            LEDGER.share(path)

    def read(self, wanted: Callable[[str], bool] = bool) -> Series:
        """Return the sums over all processes of the kinds that are wanted."""
        if not self._folder.is_dir():
            return read_ledger(LEDGER.told())
        with self._locked():
            past, living = self._folded()
        told: Series = {}
        for kind, series in past.items():
            if wanted(kind):
                _add(told, series)
        for owner, path in living:
            if wanted(owner.kind):
                _add(told, _read(path))
        return told

    def living(self) -> tuple[Owner, ...]:
        """Return the processes of this host that run and count."""
        owners = (Owner.of(path) for path in self._folder.glob("*.ledger"))
        return tuple(o for o in owners if o and o.host == _host() and o.is_alive)

    def _folded(self) -> tuple[dict[str, Series], list[tuple[Owner, Path]]]:
        """Fold in the dead; return the past by kind of process, and who lives.

        What is folded is named in the file of the past until it is gone, so that being killed
        between the two counts nothing twice.
        """
        past, folded = _past_in(self._past)
        living, dead = self._told_apart()
        for owner, path in dead:
            if path.name not in folded:
                kept = {k: n for k, n in _read(path).items() if k[0] != GAUGE}
                _add(past.setdefault(owner.kind, {}), kept)
        if dead:
            _write_past(self._past, past, [path.name for _, path in dead])
            for _, path in dead:
                path.unlink(missing_ok=True)
        return past, living

    def _told_apart(self) -> tuple[list[tuple[Owner, Path]], list[tuple[Owner, Path]]]:
        living: list[tuple[Owner, Path]] = []
        dead: list[tuple[Owner, Path]] = []
        for path in sorted(self._folder.glob("*.ledger")):
            owner = Owner.of(path)
            if owner is not None and owner.host == _host():
                (living if owner.is_alive else dead).append((owner, path))
        return living, dead

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self._folder / f"{_host()}.lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def read_ledger(told: bytes) -> Series:
    """Return what a ledger holds; of one that was cut off, what is whole."""
    series: Series = {}
    (used,) = HEAD.unpack_from(told, 0) if len(told) >= HEAD.size else (0,)
    at, end = HEAD.size, min(used, len(told))
    while at + ENTRY.size <= end:
        length, count = ENTRY.unpack_from(told, at)
        begin = at + ENTRY.size + length
        at = begin + count * NUMBER
        if at > end:
            break
        kind, name, labels = json.loads(told[begin - length : begin])
        series[kind, name, tuple(labels)] = list(memoryview(told[begin:at]).cast("d"))
    return series


def _read(path: Path) -> Series:
    try:
        with path.open("rb") as file:
            (used,) = HEAD.unpack(file.read(HEAD.size).ljust(HEAD.size, b"\0"))
            return read_ledger(HEAD.pack(used) + file.read(max(0, used - HEAD.size)))
    except OSError:
        return {}


def _add(told: Series, more: Mapping[Any, Sequence[float]]) -> None:
    """Add numbers to numbers; those of an older release with other bounds are left out."""
    for key, numbers in more.items():
        known = told.get(key)
        if known is None or len(known) < len(numbers):
            told[key] = list(numbers)
        elif len(known) == len(numbers):
            told[key] = [a + b for a, b in zip(known, numbers, strict=True)]


def _past_in(path: Path) -> tuple[dict[str, Series], frozenset[str]]:
    with suppress(FileNotFoundError, json.JSONDecodeError):
        kept = json.loads(path.read_text(encoding="utf-8"))
        past = {
            kind: {(k, name, tuple(labels)): numbers for k, name, labels, numbers in rows}
            for kind, rows in kept["past"].items()
        }
        return past, frozenset(kept["folded"])
    return {}, frozenset()


def _write_past(path: Path, past: Mapping[str, Series], folded: Sequence[str]) -> None:
    rows = {
        kind: [[*key, numbers] for key, numbers in series.items()] for kind, series in past.items()
    }
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps({"past": rows, "folded": folded}), encoding="utf-8")
    draft.replace(path)


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())


def _start_of(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == _ZOMBIE else fields[_START]
