"""The embedded Valkey: on 127.0.0.1 with a password, in memory, nothing kept on disk."""

import signal
import subprocess
from pathlib import Path
from typing import Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from models.kernel.embedded.home import PRIVATE, Address, Home
from models.kernel.embedded.privilege import Identity
from models.kernel.embedded.processes import end, found
from models.kernel.embedded.wheels import valkey_program

NO_RETRY: Final = Retry(NoBackoff(), 0)

CONFIGURATION: Final = """\
bind 127.0.0.1
port {port}
requirepass "{password}"
dir "{folder}"
save ""
appendonly no
maxmemory 256mb
maxmemory-policy noeviction
databases 16
tcp-keepalive 60
timeout 0
daemonize no
set-proc-title no
"""


class Valkey:
    """The Valkey of one home."""

    name = "valkey"
    variable = "REDIS_URL"
    farewell = ((signal.SIGTERM, 5.0),)

    def __init__(self, home: Home, identity: Identity) -> None:
        """Start nothing and write nothing."""
        self._home = home
        self._identity = identity
        self._folder = home.folder / "valkey"
        self._configuration = self._folder / "valkey.conf"
        self.log = home.folder / "valkey.log"

    @property
    def url(self) -> str:
        """The address, without a database number: clients choose theirs."""
        return valkey_url(self._home.seated(self.name))

    def prepare(self) -> None:
        """Choose the port and write the configuration."""
        self._end_orphans()
        self._folder.mkdir(exist_ok=True, mode=0o700)
        address = self._home.seat(self.name)
        text = CONFIGURATION.format(
            port=address.port, password=address.password, folder=self._folder
        )
        self._configuration.unlink(missing_ok=True)
        self._configuration.touch(PRIVATE)
        self._configuration.write_text(text)
        self._identity.own(self._configuration)
        self._identity.own(self._folder)
        self._identity.check(valkey_program(), self._folder)

    def start(self) -> subprocess.Popen[bytes]:
        """End a Valkey that a killed supervisor left behind, and start one."""
        self._end_orphans()
        with self._home.log(self.name).open("ab") as log:
            return subprocess.Popen(
                self._identity.command(
                    [str(valkey_program()), str(self._configuration)], dying=signal.SIGTERM
                ),
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _end_orphans(self) -> None:
        for pid in found(lambda words: is_valkey(words, self._configuration)):
            end(pid, (*self.farewell, (signal.SIGKILL, 5.0)))

    def is_ready(self) -> bool:
        """Say whether it answers a PING."""
        try:
            with redis.Redis.from_url(
                self.url, socket_timeout=1.0, socket_connect_timeout=1.0, retry=NO_RETRY
            ) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def valkey_url(address: Address) -> str:
    """Write the address as clients take it."""
    return f"redis://:{address.password}@127.0.0.1:{address.port}"


def is_valkey(words: list[str], configuration: Path) -> bool:
    """Say whether a command line is the Valkey of this configuration."""
    return Path(words[0]).name == "valkey-server" and str(configuration) in words[1:]
