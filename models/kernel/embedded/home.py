"""The home: the one folder the embedded stack writes to, its lock, and what it remembers.

lock             held while a supervisor runs; names its pid
embedded.json    ports and passwords of the servers, made once
postgres/        the database          postgres.log
valkey/          Valkey's configuration, and no data   valkey.log
run/             a pid file for every process that is kept running
tmp/             TMPDIR of everything started here; emptied at every start
"""

import fcntl
import json
import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

LOG_BYTES: Final = 8 * 2**20
PRIVATE: Final = 0o600

_FIRST_PORT: Final = 20_000
_PORTS: Final = 10_000
_TRIES: Final = 100


class CannotStart(Exception):
    """The embedded stack cannot run here; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens on 127.0.0.1, and the password it asks for."""

    port: int
    password: str


class Home:
    """The folder named by `ILM_HOME`, made when it is not there."""

    def __init__(self, folder: Path, *, mode: int = 0o700) -> None:
        """Make the folder with this mode; one that exists keeps its own."""
        self.folder = folder.expanduser().resolve()
        self.run = self.folder / "run"
        self.tmp = self.folder / "tmp"
        self._notes = self.folder / "embedded.json"
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=mode)
            self.run.mkdir(exist_ok=True)
        except OSError as error:
            raise CannotStart(
                f"ILM_HOME {self.folder} cannot be written to ({error.strerror}); run as its owner "
                "or name another folder"
            ) from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the home alone; raise `CannotStart` naming the process that has it already.

        Taking the home empties its temporary folder.
        """
        try:
            lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, PRIVATE)
        except PermissionError as error:
            owner = self.folder.owner() if self.folder.exists() else "somebody else"
            raise CannotStart(
                f"ILM_HOME {self.folder} belongs to {owner}; run as its owner "
                "or name another folder"
            ) from error
        try:
            self._take(lock)
            self._empty_tmp()
            yield
        finally:
            os.close(lock)

    def is_locked(self) -> bool:
        """Say whether a supervisor holds the home."""
        try:
            with (self.folder / "lock").open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except FileNotFoundError:
            return False
        return False

    def _take(self, lock: int) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(lock, 32, 0).decode(errors="replace").strip() or "another process"
            raise CannotStart(
                f"ILM_HOME {self.folder} is in use by process {holder}; stop that one first "
                "or name another folder"
            ) from error
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)

    def _empty_tmp(self) -> None:
        if self.tmp.exists():
            shutil.rmtree(self.tmp, ignore_errors=True)
        self.tmp.mkdir(exist_ok=True, mode=0o700)

    def seated(self, server: str) -> Address:
        """Return the address this server has; raise `CannotStart` if it never ran here."""
        noted = self._noted().get(server)
        if noted is None:
            raise CannotStart(f"{server} has never been started in ILM_HOME {self.folder}")
        return Address(**noted)

    def seat(self, server: str) -> Address:
        """Give this server an address: the one it had, with a new port if that one is taken."""
        notes = self._noted()
        if server in notes and not is_taken(notes[server]["port"]):
            return Address(**notes[server])
        password = notes[server]["password"] if server in notes else secrets.token_urlsafe(24)
        address = Address(free_port(), password)
        _write(self._notes, json.dumps({**notes, server: asdict(address)}, indent=1))
        return address

    def _noted(self) -> dict[str, Any]:
        return dict(json.loads(self._notes.read_text())) if self._notes.exists() else {}

    def log(self, server: str) -> Path:
        """Return the log file of a server, set aside first when it has grown too large."""
        path = self.folder / f"{server}.log"
        if path.exists() and path.stat().st_size > LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        path.touch(PRIVATE)
        return path


def is_taken(port: int) -> bool:
    """Say whether something listens on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def free_port() -> int:
    """Choose a free port below the ephemeral range.

    In that range a client that reconnects could be given the port of the server it has lost as its
    own, and the server could not come back on it.
    """
    for _ in range(_TRIES):
        port = _FIRST_PORT + secrets.randbelow(_PORTS)
        if not is_taken(port):
            return port
    raise CannotStart("no free port was found on 127.0.0.1")


def _write(path: Path, text: str) -> None:
    """Replace a private file as a whole and durably."""
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync(path.parent)


def sync(folder: Path) -> None:
    """Make renames inside a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
