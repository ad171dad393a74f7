"""What tests stand on: real servers, started once and stopped at the end."""

import gc
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from jobs.postman import Postman
from jobs.queue import Queue, Sender
from jobs.streams import Streams
from models.kernel import database as databases
from models.kernel.broker import open_broker
from models.kernel.cache import open_cache
from models.kernel.clock import SystemClock
from models.kernel.database import Pool
from models.kernel.ids import new_id
from models.kernel.settings import Settings
from models.migrate import migrate
from tests.gateway import Gateway, gateway
from tests.servers import Rabbit, Servers, rabbit_is_installed

NEEDS_STACK = {"settings", "database", "servers", "rabbit"}
TABLES = """
select quote_ident(tablename) from pg_tables
where schemaname = 'public' and tablename not in ('schema_migration', 'plan')
"""
MISSING: dict[str, str] = {}

_numbers = count()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "stack: needs PostgreSQL and Valkey")
    config.addinivalue_line("markers", "rabbit: needs a RabbitMQ")
    config.addinivalue_line("markers", "corpus: needs the folder TEST_CORPUS names")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if NEEDS_STACK & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.stack)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if (told := getattr(session.config, "workeroutput", None)) is not None:
        told["missing"] = MISSING


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a process of the suite could not test: its own last lines nobody sees."""
    MISSING.update(getattr(node, "workeroutput", {}).get("missing", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for what, words in MISSING.items():
        terminalreporter.write_line(f"NOT TESTED: {what}: {words}", yellow=True)


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """PostgreSQL and Valkey of our own, with an empty database."""
    with Servers(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(scope="session")
def settings(servers: Servers) -> Settings:
    """Settings on those servers, migrated."""
    settings = Settings(
        home=servers.home, database_url=servers.database_url, redis_url=servers.redis_url
    )
    migrate(settings)
    return settings


@pytest.fixture(scope="module")
def patience() -> Iterator[None]:
    """Wait longer for Redis than a busy machine stands still: what it says is what is tested."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("models.kernel.cache.CALL_SECONDS", 60.0)
        yield


@pytest.fixture(scope="session")
def pools(settings: Settings) -> Iterator[tuple[Pool, Pool]]:
    """The pool of the application, and the owner's.

    Threads of tests come and go, and one that ended with a connection would never give it back.
    """
    app, owner = databases.connect(settings), databases.open_pool(settings, owner=True)
    app.is_kept = False
    yield app, owner
    app.close_all()
    owner.close_all()


@pytest.fixture
def database(pools: tuple[Pool, Pool]) -> Pool:
    """The pool every table is bound to, with every table empty."""
    return emptied(pools)


def emptied(pools: tuple[Pool, Pool]) -> Pool:
    """Bind every table to the application's pool, and empty it."""
    app, owner = pools
    databases.database.initialize(app)
    names = [row[0] for row in owner.rows(TABLES)]
    filled = " union all ".join(f"select '{n}' where exists (select from {n})" for n in names)
    deletes = "".join(f"delete from {name};" for (name,) in owner.rows(filled))
    if deletes:
        owner.script(f"begin; set local session_replication_role = replica; {deletes} commit")
    return app


def cleared(settings: Settings, pools: tuple[Pool, Pool]) -> None:
    """Empty every table and Redis: what others have guessed wrong counts for no one."""
    emptied(pools)
    with closing(open_cache(settings)) as cache:
        cache.flushall()


@pytest.fixture
def queue(database: Pool, settings: Settings) -> Iterator[Queue]:
    """Where jobs go, with a postman and streams of its own."""
    clock = SystemClock()
    postman = Postman(open_broker(settings), clock)
    yield Queue(postman, Streams(open_cache(settings), clock, ttl_seconds=600), settings)
    postman.stop()


@pytest.fixture
def sender(database: Pool) -> Sender:
    """Somebody with an account, who submits jobs."""
    account_id = new_id()
    database.rows("insert into account (id) values (%s)", (account_id,))
    return Sender(account_id, "live", "req_test")


@pytest.fixture(scope="module")
def variables() -> Mapping[str, str]:
    """What the gateway of a file is set to beside the usual: nothing, unless the file says so."""
    return {}


@pytest.fixture(scope="module")
def running(
    settings: Settings,
    pools: tuple[Pool, Pool],
    variables: Mapping[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Gateway]:
    """One gateway for the tests of a file."""
    cleared(settings, pools)
    with gateway(settings, tmp_path_factory.mktemp("gateway"), **variables) as made:
        yield made


@pytest.fixture
def ilm(running: Gateway) -> Gateway:
    """The gateway, calm, and somebody new with money at it."""
    running.calm()
    running.newcomer(f"client{next(_numbers)}@example.org")
    return running


@pytest.fixture(autouse=True)
def _no_stray_sockets(request: pytest.FixtureRequest) -> Iterator[None]:
    """After a test with a RabbitMQ, collect what pika leaves of connections to a killed node.

    It leaves their sockets to the collector, which would blame whatever test runs then.
    """
    yield
    if "rabbit" in request.fixturenames:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


def want_rabbit() -> None:
    """Skip a test that wants a RabbitMQ where there is none, and have it said in the last lines."""
    if not rabbit_is_installed():
        MISSING["RabbitMQ"] = "rabbitmq-server is not installed"
        pytest.skip("rabbitmq-server is not installed")


@pytest.fixture(scope="session")
def rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rabbit]:
    """A RabbitMQ node of our own; without the program, the tests that want it say so."""
    want_rabbit()
    with Rabbit(tmp_path_factory.mktemp("rabbit")) as node:
        yield node


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real documents; without it, the tests that want it say so."""
    folder = os.environ.get("TEST_CORPUS", "")
    if not folder:
        MISSING["real documents"] = "TEST_CORPUS names no folder"
        pytest.skip("TEST_CORPUS names no folder")
    return Path(folder)
