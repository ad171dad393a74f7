"""`python -m models.kernel.embedded [--join] -- COMMAND…`: the servers, and a command on them.

Starts what `DATABASE_URL` and `REDIS_URL` do not name, runs the command with both set, stops
everything, and exits with the command's code; without a command it runs until SIGINT or SIGTERM.
With `--join`, servers that are running in this home already are used instead of refused.
"""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Sequence

from models.kernel.embedded.home import CannotStart, Home
from models.kernel.embedded.postgres import Postgres
from models.kernel.embedded.privilege import home_mode, servant
from models.kernel.embedded.processes import python_first
from models.kernel.embedded.server import Server
from models.kernel.embedded.signals import Signals
from models.kernel.embedded.supervisor import Supervisor
from models.kernel.embedded.valkey import Valkey
from models.kernel.logs import log_to_stderr
from models.kernel.settings import BadSettings, Settings, environment, load


def main(arguments: Sequence[str]) -> int:
    """Run the embedded stack; a refusal is one sentence on stderr and exit code 1."""
    parser = ArgumentParser(prog="python -m models.kernel.embedded", description=__doc__)
    parser.add_argument("--join", action="store_true", help="use servers that run already")
    parser.add_argument("command", nargs="*", metavar="COMMAND")
    options = parser.parse_args(arguments)
    try:
        settings = load()
        log_to_stderr(settings.log_level)
        return _run(settings, options.command, join=options.join)
    except (BadSettings, CannotStart) as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _run(settings: Settings, command: Sequence[str], *, join: bool) -> int:
    home = Home(settings.home, mode=home_mode())
    servers = _servers(settings, home)
    variables = _variables(settings, home)
    with Signals() as signals:
        if not servers:
            return Supervisor(home, servers, signals).run(command, variables)
        if join and command and home.is_locked():
            urls = {server.variable: server.url for server in servers}
            os.execvpe(command[0], list(command), {**variables, **urls})  # noqa: S606 - asked for
        with home.locked():
            return Supervisor(home, servers, signals).run(command, variables)


def _servers(settings: Settings, home: Home) -> list[Server]:
    """Return the servers that no setting replaces."""
    servers: list[Server] = []
    identity = servant()
    if not settings.database_url:
        servers.append(Postgres(home, identity))
    if not settings.redis_url:
        servers.append(Valkey(home, identity))
    return servers


def _variables(settings: Settings, home: Home) -> dict[str, str]:
    """Return the environment of the command: this one, this Python first, and the home's TMPDIR."""
    return {
        **python_first(environment()),
        "ILM_HOME": str(home.folder),
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "TMPDIR": str(home.tmp),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
