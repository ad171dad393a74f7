"""The database: one pool a process, borrowed for as long as a statement or a transaction lasts.

A thread that finds no free connection waits (J-02) instead of failing at once. Statements end
after 5 s and transactions after 10 s (J-04). Running processes act as the role `ilm_app`, which
may not change what is append-only; only migrations act as the owner.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Self
from urllib.parse import unquote, urlsplit

import psycopg2.extensions
from peewee import SQL, CompositeKey, DatabaseProxy, InterfaceError, Model, OperationalError
from playhouse.pool import MaxConnectionsExceeded, PooledPostgresqlDatabase

from models.kernel.clock import SystemClock
from models.kernel.measures import DATABASE_WAIT_SECONDS
from models.kernel.settings import Settings

STATEMENT_MS: Final = 5_000
TRANSACTION_MS: Final = 10_000
WAIT_SECONDS: Final = 5
TRUSTED_SECONDS: Final = 1.0
APP_ROLE: Final = "ilm_app"

_TRANSACTION_TIMEOUT_SINCE: Final = 170_000

database = DatabaseProxy()
_CLOCK: Final = SystemClock()


class Table(Model):
    """The parent of every table: bound to the one pool of this process."""

    class Meta:
        """peewee's configuration."""

        database = database
        legacy_table_names = False

    @classmethod
    def found(cls, **values: Any) -> Self | None:
        """Return the row with these values in its fields, None when there is none.

        For what names one row at most. The statement is made once: peewee takes longer to make it
        than PostgreSQL to answer it.
        """
        return next(iter(cls._with(values)), None)

    @classmethod
    def get_by_id(cls, pk: Any) -> Self:
        """Return the row with this primary key; raise the table's `DoesNotExist` for none."""
        key: Any = cls._meta.primary_key
        has_parts = isinstance(key, CompositeKey)
        names, values = (key.field_names, pk) if has_parts else ((key.name,), (pk,))
        row: Self = cls._with(dict(zip(names, values, strict=True))).get()
        return row

    @classmethod
    def _with(cls, values: Mapping[str, Any]) -> Any:
        sql = cls._lookup(tuple((name, value is None) for name, value in values.items()))
        fields = cls._meta.combined
        known = [fields[name].db_value(v) for name, v in values.items() if v is not None]
        return cls.raw(sql, *known)

    @classmethod
    @lru_cache(None)
    def _lookup(cls, names: tuple[tuple[str, bool], ...]) -> str:
        """Return what selects rows by what is in their fields, or by that nothing is."""
        fields = [(cls._meta.combined[name], is_null) for name, is_null in names]
        terms = [field.is_null() if is_null else field == SQL("%s") for field, is_null in fields]
        sql: str = cls.select().where(*terms).sql()[0]
        return sql


class Connection(psycopg2.extensions.connection):
    """A connection whose transactions are bounded too, which PostgreSQL can since version 17."""

    used_at = float("-inf")
    """When a thread gave it back, in monotonic seconds."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Connect."""
        super().__init__(*arguments, **options)
        if self.server_version >= _TRANSACTION_TIMEOUT_SINCE:
            with self.cursor() as cursor:
                cursor.execute(f"set transaction_timeout = {TRANSACTION_MS}")
            self.commit()


@dataclass(frozen=True, slots=True)
class PoolFigures:
    """How a pool is used: connections that threads have, that rest, that may yet be opened."""

    in_use: int
    idle: int
    free: int


class Pool(PooledPostgresqlDatabase):  # type: ignore[misc]  # peewee carries no types
    """Connections of one process to PostgreSQL.

    `is_kept`: a thread keeps the connection it has borrowed, which saves a tenth of a millisecond
    a statement. Only for processes with no more threads than connections.
    """

    is_kept = False

    def connect(self, reuse_if_open: bool = False) -> bool:  # noqa: FBT001, FBT002 - peewee's
        """Give the calling thread a connection; none free in time is an outage like any other."""
        began = _CLOCK.elapsed()
        try:
            return bool(super().connect(reuse_if_open=reuse_if_open))
        except MaxConnectionsExceeded as error:
            raise OperationalError("every connection is in use") from error
        finally:
            DATABASE_WAIT_SECONDS.observe(_CLOCK.elapsed() - began)

    @property
    def figures(self) -> PoolFigures:
        """How it is used at this moment."""
        in_use, idle = len(self._in_use), len(self._connections)
        return PoolFigures(in_use, idle, max(0, self._max_connections - in_use - idle))

    def _is_closed(self, connection: Connection) -> bool:
        """Say whether a connection is of no use; one that was in use just now is not asked."""
        has_rested = _CLOCK.elapsed() - connection.used_at > TRUSTED_SECONDS
        return bool(connection.closed or (has_rested and super()._is_closed(connection)))

    def _can_reuse(self, connection: Connection) -> bool:
        """Say whether a connection goes back to the others, and note when it did."""
        connection.used_at = _CLOCK.elapsed()
        return bool(super()._can_reuse(connection))

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

    def written(self, sql: str, parameters: Sequence[Any] = ()) -> str:
        """Return a statement with its values in it, as it would be sent."""
        with self.borrowed(), self.connection().cursor() as cursor:
            text: bytes = cursor.mogrify(sql, parameters)
            return text.decode()

    def script(self, sql: str) -> None:
        """Run a text of several statements that takes no parameters; `%` means itself."""
        with self.borrowed(), self.connection().cursor() as cursor:
            cursor.execute(sql)

    @contextmanager
    def unit(self) -> Iterator[None]:
        """Run a block as one unit of work: a transaction, or a savepoint inside another."""
        with self.borrowed(), self.atomic():
            yield


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
        connection_factory=Connection,
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
