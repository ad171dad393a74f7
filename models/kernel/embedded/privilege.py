"""Who the servers run as: ourselves, or somebody with no rights when we are root.

PostgreSQL refuses to run as root. So that an unprivileged server can still reach wheels and data
under a closed home such as /root, it keeps one capability: to pass through and read. No user is
made and the mode of no folder is changed.
"""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from models.kernel.embedded.home import CannotStart

_NOBODY: Final = 65_534
_DAC_READ_SEARCH: Final = 1 << 2
_PROBE: Final = 'cd "$1" && touch . && exec "$0" --version'
_PROBE_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody to run a program as; without a uid, ourselves."""

    uid: int | None = None
    gid: int | None = None

    def command(self, words: Sequence[str], *, dying: signal.Signals) -> list[str]:
        """Return the command that runs these words as this identity.

        `dying` is the signal the program gets when the process that started it dies.
        """
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            raise CannotStart("setpriv is missing; install util-linux")
        options = ["--pdeathsig", dying.name.removeprefix("SIG")]
        if self.uid is not None:
            kept = "-all,+dac_read_search" if _may_pass_through() else "-all"
            options += [f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups"]
            options += [f"--inh-caps={kept}", f"--ambient-caps={kept}", f"--bounding-set={kept}"]
            options += ["--no-new-privs"]
        return [setpriv, *options, "--", *words]

    def own(self, path: Path) -> None:
        """Give a file or a whole folder to this identity, unless it has it already."""
        if self.uid is None or path.stat().st_uid == self.uid:
            return
        for inner in path.rglob("*"):
            os.chown(inner, self.uid, self.gid or 0, follow_symlinks=False)
        os.chown(path, self.uid, self.gid or 0)

    def check(self, program: Path, folder: Path) -> None:
        """Raise `CannotStart` unless this identity can run the program inside the folder."""
        outcome = subprocess.run(
            self.command(["sh", "-c", _PROBE, str(program), str(folder)], dying=signal.SIGKILL),
            capture_output=True,
            timeout=_PROBE_SECONDS,
            check=False,
        )
        if outcome.returncode == 0:
            return
        words = outcome.stderr.decode(errors="replace").strip()
        if self.uid is None:
            raise CannotStart(f"{program} cannot be run: {words}")
        raise CannotStart(
            f"as root, the servers run as uid {self.uid}, which cannot run {program} in {folder} "
            f"({words}); run as an ordinary user, grant CAP_DAC_READ_SEARCH and CAP_SETPCAP, "
            "use folders that others may enter, or set DATABASE_URL and REDIS_URL"
        )


OURSELVES: Final = Identity()


def servant() -> Identity:
    """Return who the servers run as."""
    if os.geteuid() != 0:
        return OURSELVES
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        return Identity(_NOBODY, _NOBODY)
    return Identity(nobody.pw_uid, nobody.pw_gid)


def home_mode() -> int:
    """Return the mode of a new home: closed, unless the servers could not pass through it."""
    return 0o711 if servant().uid is not None and not _may_pass_through() else 0o700


def _may_pass_through() -> bool:
    status = Path("/proc/self/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return all(int(fields[name], 16) & _DAC_READ_SEARCH for name in ("CapEff", "CapBnd"))
