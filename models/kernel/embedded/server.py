"""What the supervisor asks of a server."""

import signal
from pathlib import Path
from subprocess import Popen
from typing import Protocol


class Server(Protocol):
    """One server of the embedded stack."""

    @property
    def name(self) -> str:
        """Its name in logs, and of its files in the home."""
        ...

    @property
    def variable(self) -> str:
        """The setting that replaces it, and that tells its address to others."""
        ...

    @property
    def url(self) -> str:
        """Its address with the password, as clients take it."""
        ...

    @property
    def log(self) -> Path:
        """The file it writes its own log to."""
        ...

    @property
    def farewell(self) -> tuple[tuple[signal.Signals, float], ...]:
        """The signals that stop it, each with the seconds it has."""
        ...

    def prepare(self) -> None:
        """Make the home ready for it, once per run of the supervisor."""
        ...

    def start(self) -> Popen[bytes]:
        """End what an earlier one left behind, and start it."""
        ...

    def is_ready(self) -> bool:
        """Say whether it answers its clients."""
        ...
