"""The embedded PostgreSQL: on 127.0.0.1 with a password, durable, one database named `ilm`."""

import hashlib
import shutil
import signal
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import psycopg2

from models.kernel.embedded.home import PRIVATE, Address, CannotStart, Home, sync
from models.kernel.embedded.privilege import Identity
from models.kernel.embedded.processes import end, found, is_gone, send
from models.kernel.embedded.wheels import postgres_program
from models.kernel.settings import environment

OWNER: Final = "ilm"
DATABASE: Final = "ilm"
INITDB_SECONDS: Final = 120
KILLED_SECONDS: Final = 5.0

CONFIGURATION: Final = """\
# Written anew at every start. To change a setting, use ALTER SYSTEM.
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
cluster_name = '{cluster}'
password_encryption = scram-sha-256
max_connections = 200
shared_buffers = 128MB
dynamic_shared_memory_type = mmap    # /dev/shm is outside the home, and small in containers
jit = off
wal_compression = on
max_wal_size = 2GB
timezone = UTC
log_timezone = UTC
tcp_keepalives_idle = 60

# A small table whose rows change many times a second is vacuumed often and at once.
autovacuum_naptime = 10s
autovacuum_vacuum_scale_factor = 0.05
autovacuum_analyze_scale_factor = 0.05
autovacuum_vacuum_cost_delay = 1ms

# A failed statement and the row it failed on may hold what a user wrote.
log_min_error_statement = panic
log_error_verbosity = terse
log_checkpoints = off
log_line_prefix = '%m [%p] '
"""

CLIENTS: Final = "host all all 127.0.0.1/32 scram-sha-256\n"


class Postgres:
    """The PostgreSQL of one home."""

    name = "postgres"
    variable = "DATABASE_URL"
    farewell = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0))

    def __init__(self, home: Home, identity: Identity) -> None:
        """Start nothing and write nothing."""
        self._home = home
        self._identity = identity
        self._data = home.folder / "postgres"
        self._cluster = f"ilm-{hashlib.sha256(str(self._data).encode()).hexdigest()[:12]}"
        self.log = home.folder / "postgres.log"

    @property
    def url(self) -> str:
        """The address of the database, as its owner."""
        return postgres_url(self._home.seated(self.name))

    def prepare(self) -> None:
        """Make the data folder if there is none, choose the port, write the configuration."""
        self._end_orphans()
        address = self._home.seat(self.name)
        if not (self._data / "PG_VERSION").exists():
            self._initialize(address)
        text = CONFIGURATION.format(port=address.port, cluster=self._cluster)
        (self._data / "postgresql.conf").write_text(text)
        (self._data / "pg_hba.conf").write_text(CLIENTS)
        self._identity.own(self._data)
        self._identity.check(postgres_program("postgres"), self._data)

    def _initialize(self, address: Address) -> None:
        """Make the data folder beside its place and move it there whole.

        What a killed initdb left behind is thrown away.
        """
        draft = self._home.folder / "postgres.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        secret = self._home.folder / "postgres.password"
        secret.unlink(missing_ok=True)
        secret.touch(PRIVATE)
        secret.write_text(address.password)
        self._identity.own(secret)
        self._identity.own(draft)
        self._identity.check(postgres_program("initdb"), draft)
        try:
            self._run_initdb(draft, secret)
        finally:
            secret.unlink()
        draft.rename(self._data)
        sync(self._home.folder)

    def _run_initdb(self, draft: Path, secret: Path) -> None:
        words = [str(postgres_program("initdb")), "--pgdata", str(draft), "--username", OWNER]
        words += ["--pwfile", str(secret), "--auth", "scram-sha-256", "--encoding", "UTF8"]
        words += ["--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
        words += ["--no-instructions"]
        outcome = subprocess.run(
            self._identity.command(words, dying=signal.SIGKILL),
            cwd=draft,
            env={**environment(), "TZ": "UTC", "TMPDIR": str(draft)},
            capture_output=True,
            start_new_session=True,
            timeout=INITDB_SECONDS,
            check=False,
        )
        if outcome.returncode != 0:
            raise CannotStart(f"initdb failed: {outcome.stderr.decode(errors='replace').strip()}")

    def start(self) -> subprocess.Popen[bytes]:
        """End what an earlier PostgreSQL of this home left running, and start one."""
        self._end_orphans()
        with self._home.log(self.name).open("ab") as log:
            return subprocess.Popen(
                self._identity.command(
                    [str(postgres_program("postgres")), "-D", str(self._data)], dying=signal.SIGINT
                ),
                cwd=self._data,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _end_orphans(self) -> None:
        """End an old server and its processes; after that, no `postmaster.pid` is true.

        PostgreSQL itself takes any living process with the noted pid for a server and refuses.
        """
        for pid in found(self._is_server):
            end(pid, (*self.farewell, (signal.SIGKILL, KILLED_SECONDS)))
        for pid in (left := found(self._is_backend)):
            send(pid, signal.SIGKILL)
        for pid in left:
            is_gone(pid, KILLED_SECONDS)
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _is_server(self, words: list[str]) -> bool:
        return Path(words[0]).name == "postgres" and words[1:3] == ["-D", str(self._data)]

    def _is_backend(self, words: list[str]) -> bool:
        return words[0].startswith(f"postgres: {self._cluster}: ")

    def is_ready(self) -> bool:
        """Say whether the database takes connections, making it the first time."""
        try:
            with closing(self._connection()) as connection:
                _ensure_database(connection)
        except psycopg2.OperationalError as error:
            if "authentication failed" in str(error):
                raise CannotStart(
                    f"the password in {self._home.folder}/embedded.json is not that of "
                    f"{self._data}; put back the file that belongs to it"
                ) from error
            return False
        return True

    def _connection(self) -> Any:
        address = self._home.seated(self.name)
        return psycopg2.connect(
            host="127.0.0.1",
            port=address.port,
            user=OWNER,
            password=address.password,
            dbname="postgres",
            connect_timeout=5,
        )


def _ensure_database(connection: Any) -> None:
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("select 1 from pg_database where datname = %s", (DATABASE,))
        if cursor.fetchone() is None:
            cursor.execute(f"create database {DATABASE}")


def postgres_url(address: Address) -> str:
    """Write the address as clients take it."""
    return f"postgresql://{OWNER}:{address.password}@127.0.0.1:{address.port}/{DATABASE}"
