"""A reconciler on real servers, with a postman who keeps the letters; and their clock, moved."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import redis

from jobs.streams import Streams
from models.kernel.cache import open_cache
from models.kernel.clock import SystemClock
from models.kernel.database import Pool
from models.kernel.ids import new_id
from models.kernel.settings import Settings
from schedules.reconciler import Reconciler
from schedules.rounds import Rounds
from tests.fakes.postman import FakePostman
from tests.schedules.benches import Scheduler

Believe = Callable[[datetime], None]

NOON = datetime(2027, 6, 1, 12, 7, tzinfo=UTC)
"""Minutes away from the slots of most schedules: none comes between two lines of a test."""


@pytest.fixture
def cache(settings: Settings) -> Iterator[redis.Redis]:
    """Redis, emptied."""
    client = open_cache(settings)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def postman() -> FakePostman:
    return FakePostman()


@pytest.fixture
def reconciler(
    database: Pool, cache: redis.Redis, postman: FakePostman, settings: Settings
) -> Reconciler:
    return Reconciler(postman, Streams(cache, SystemClock(), 3_600), settings)


@pytest.fixture
def believe(database: Pool, pools: tuple[Pool, Pool]) -> Iterator[Believe]:
    """Let the database believe that it is some moment: for every connection from now on."""
    app, owner = pools
    ((name,),) = owner.rows("select quote_ident(current_database())")

    def moved(moment: datetime) -> None:
        ahead = (moment - SystemClock().now()).total_seconds()
        owner.rows(f"alter database {name} set ilm.rehearsal = '{ahead:.3f} seconds'")
        app.close_all()

    yield moved
    owner.rows(f"alter database {name} reset ilm.rehearsal")
    app.close_all()


@pytest.fixture
def scheduler(believe: Believe) -> Iterator[Scheduler]:
    """Make a scheduler that does only this, under the name `chats`; all are stopped at the end.

    It is noon, as long as nobody is made to believe otherwise.
    """
    made: list[Rounds] = []
    believe(NOON)

    def make(work: Any, name: str = "chats", **options: Any) -> Rounds:
        clock = options.pop("clock", SystemClock())
        made.append(Rounds({name: work}, new_id().hex, clock, **options))
        return made[-1]

    yield make
    for rounds in made:
        rounds.stop()
