"""The database: one pool a process, borrowed for as long as a statement or a transaction lasts.

A thread that finds no free connection waits (J-02) instead of failing at once. Statements end
after 5 s and transactions after 10 s (J-04). Running processes act as the role `ilm_app`, which
may not change what is append-only; only migrations act as the owner.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import psycopg2
from peewee import DatabaseProxy, InterfaceError, Model, OperationalError
from playhouse.pool import MaxConnectionsExceeded, PooledPostgresqlDatabase

from models.kernel.settings import Settings

STATEMENT_MS: Final = 5_000
TRANSACTION_MS: Final = 10_000
WAIT_SECONDS: Final = 5
APP_ROLE: Final = "ilm_app"

_TRANSACTION_TIMEOUT_SINCE: Final = 170_000

database = DatabaseProxy()


class Table(Model):
    """The parent of every table: bound to the one pool of this process."""

    class Meta:
        """peewee's configuration."""

        database = database
        legacy_table_names = False


class Pool(PooledPostgresqlDatabase):  # type: ignore[misc]  # peewee carries no types
    """Connections of one process to PostgreSQL.

    `is_kept`: a thread keeps the connection it has borrowed, which saves a tenth of a millisecond
    a statement. Only for processes with no more threads than connections.
    """

    is_kept = False

    def connect(self, reuse_if_open: bool = False) -> bool:  # noqa: FBT001, FBT002 - peewee's
        """Give the calling thread a connection; none free in time is an outage like any other."""
        try:
            return bool(super().connect(reuse_if_open=reuse_if_open))
        except MaxConnectionsExceeded as error:
            raise OperationalError("every connection is in use") from error

    def _connect(self) -> Any:
        connection = super()._connect()
        if connection.server_version >= _TRANSACTION_TIMEOUT_SINCE:
            _bound_transactions(connection)
        return connection

    @contextmanager
    def borrowed(self) -> Iterator[None]:
        """Give the calling thread a connection; nested uses share it; a broken one is discarded."""
        opened = self.is_closed() and self.connect(reuse_if_open=True)
        try:
            yield
        except (OperationalError, InterfaceError):
            if not self.in_transaction() and not self.is_closed():
                self.manual_close()
            raise
        finally:
            if opened and not self.is_kept and not self.is_closed():
                self.close()

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement in autocommit, or in the transaction that is open; return its rows."""
        with self.borrowed():
            cursor = self.execute_sql(sql, parameters)
            return list(cursor.fetchall()) if cursor.description else []

    def script(self, sql: str) -> None:
        """Run a text of several statements that takes no parameters; `%` means itself."""
        with self.borrowed(), self.connection().cursor() as cursor:
            cursor.execute(sql)

    @contextmanager
    def unit(self) -> Iterator[None]:
        """Run a block as one unit of work: a transaction, or a savepoint inside another."""
        with self.borrowed(), self.atomic():
            yield


def _bound_transactions(connection: Any) -> None:
    """Bound whole transactions too, which PostgreSQL can since version 17."""
    with connection.cursor() as cursor:
        cursor.execute(f"set transaction_timeout = {TRANSACTION_MS}")
    if not connection.autocommit:
        connection.commit()


def connect(settings: Settings, *, threads: int = 1) -> Pool:
    """Make the pool of a process with that many threads and bind every table to it.

    Opens no connection yet.
    """
    pool = open_pool(settings)
    pool.is_kept = threads < settings.database_connections
    database.initialize(pool)
    return pool


def open_pool(settings: Settings, *, owner: bool = False) -> Pool:
    """Make a pool. `owner` is for migrations: no role is set and no timeout cuts them off."""
    url = urlsplit((not owner and settings.database_app_url) or settings.database_url)
    if not url.scheme.startswith("postgres"):
        raise ValueError("DATABASE_URL must begin with postgresql://")
    options = ["-c timezone=UTC"]
    if not owner:
        options += [
            f"-c statement_timeout={STATEMENT_MS}",
            f"-c idle_in_transaction_session_timeout={TRANSACTION_MS}",
        ]
        if not settings.database_app_url:
            options.append(f"-c role={APP_ROLE}")
    return Pool(
        unquote(url.path.lstrip("/")),
        user=unquote(url.username or "") or None,
        password=unquote(url.password or "") or None,
        host=url.hostname,
        port=url.port or 5432,
        options=" ".join(options),
        max_connections=settings.database_connections,
        timeout=WAIT_SECONDS,
        stale_timeout=600,
        connect_timeout=5,
        keepalives_idle=15,
        tcp_user_timeout=TRANSACTION_MS,
        application_name="ilm",
        **_query(url.query),
    )


def _query(query: str) -> dict[str, str]:
    """Pass on what the address asks for beside the defaults (`?sslmode=require`)."""
    pairs = (part.split("=", 1) for part in query.split("&") if "=" in part)
    return {name: unquote(value) for name, value in pairs}


def is_cut(error: Exception) -> bool:
    """Say whether an error is the connection's and not the statement's.

    SQLSTATE class 08, the 57P codes of a server that stops or crashes, or none at all.
    """
    code = sqlstate_of(error)
    return code is None or code.startswith(("08", "57P"))


def sqlstate_of(error: Exception) -> str | None:
    """Return the SQLSTATE of an error of peewee's, None when the server sent none."""
    origin = error.__cause__ or getattr(error, "orig", None) or error
    code: str | None = getattr(origin, "pgcode", None)
    return code


def is_alive(pool: Pool) -> bool:
    """Say whether PostgreSQL answers."""
    try:
        return pool.rows("select 1") == [(1,)]
    except (OperationalError, InterfaceError, psycopg2.Error):
        return False
