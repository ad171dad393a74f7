"""Redis or Valkey: the bell and the shared memory. Whatever it forgets costs seconds, never work.

Two logical databases: 0 for streams and signals, 1 for the broker.
"""

from collections.abc import Sequence
from hashlib import sha1
from threading import local
from typing import Any, Final
from urllib.parse import urlsplit

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

from models.kernel.settings import Settings

STREAMS: Final = 0
BROKER: Final = 1

CONNECTIONS: Final = 1_000
CALL_SECONDS: Final = 2.0


def open_cache(settings: Settings, *, number: int = STREAMS, **options: Any) -> redis.Redis:
    """Make a client whose calls fail after 2 s, without retrying on its own."""
    return redis.Redis.from_url(_server(settings), **_options(number), **options)


def open_listener(settings: Settings) -> redis.Redis:
    """Make a client for one blocking subscription: reads have no time limit of their own."""
    return redis.Redis.from_url(_server(settings), **{**_options(STREAMS), "socket_timeout": None})


def open_async_listener(settings: Settings) -> redis.asyncio.Redis:
    """Make the client of an event loop, for one subscription and short reads."""
    options = {**_options(STREAMS), "retry": None, "socket_timeout": None}
    return redis.asyncio.Redis.from_url(_server(settings), **options)


def _server(settings: Settings) -> str:
    """Return the address without a database number, which would win over ours."""
    return urlsplit(settings.redis_url)._replace(path="").geturl()


class Script:
    """A Lua script called on a connection of the calling thread's own.

    Half the price of the client's pool, for what runs with every job. Fails as the client's calls
    do: after 2 s, with a `RedisError`, and never tried again on its own.
    """

    def __init__(self, cache: redis.Redis, text: str) -> None:
        """Take the client whose server it runs on; connect nothing yet."""
        self._pool = cache.connection_pool
        self._text = text
        self._digest = sha1(text.encode(), usedforsecurity=False).hexdigest()
        self._mine = local()

    def __call__(self, key: str, arguments: Sequence[int | str]) -> Any:
        """Run it on one key and return its answer."""
        (answer,) = self.many([(key, arguments)])
        return answer

    def many(self, calls: Sequence[tuple[str, Sequence[int | str]]]) -> list[Any]:
        """Run it on one key after the other, in one round trip; return the answers.

        Raises the first error, whatever else was carried out.
        """
        connection = self._connection()
        try:
            return _answers(
                connection,
                [("EVALSHA", self._digest, 1, key, *arguments) for key, arguments in calls],
            )
        except redis.exceptions.NoScriptError:
            return _answers(
                connection, [("EVAL", self._text, 1, key, *arguments) for key, arguments in calls]
            )

    def _connection(self) -> Any:
        """Return this thread's connection, fresh if the server has closed the last one."""
        connection = getattr(self._mine, "connection", None)
        if connection is None:
            connection = self._pool.connection_class(**self._pool.connection_kwargs)
            self._mine.connection = connection
        elif _is_stale(connection):
            connection.disconnect()
        return connection


def _is_stale(connection: Any) -> bool:
    """Say whether a connection was closed, or holds an answer that nobody asked for."""
    try:
        return bool(connection.is_connected and connection.can_read())
    except redis.ConnectionError:
        return True


def _answers(connection: Any, commands: Sequence[Sequence[Any]]) -> list[Any]:
    """Send commands together and read all their answers; raise the first error among them."""
    connection.send_packed_command(connection.pack_commands(commands))
    answers = [_answer(connection) for _ in commands]
    for answer in answers:
        if isinstance(answer, redis.ResponseError):
            raise answer
    return answers


def _answer(connection: Any) -> Any:
    """Read one answer; an error of the server's is one."""
    try:
        return connection.read_response()
    except redis.ResponseError as error:
        return error


def _options(number: int) -> dict[str, Any]:
    return {
        "db": number,
        "socket_timeout": CALL_SECONDS,
        "socket_connect_timeout": CALL_SECONDS,
        "max_connections": CONNECTIONS,
        "health_check_interval": 15,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
    }
