"""The pool tells how it is used, and how long threads waited for it."""

from threading import Event, Thread

from models.kernel.database import open_pool
from models.kernel.ledgers import read_ledger
from models.kernel.measures import DATABASE_WAIT_SECONDS
from models.kernel.metrics import LEDGER
from models.kernel.settings import Settings

WAITED = ("histogram", DATABASE_WAIT_SECONDS.name, ())


def waits() -> float:
    return sum(read_ledger(LEDGER.told()).get(WAITED, [0.0])[:-1])


def test_a_connection_is_free_then_in_use_then_idle(settings: Settings) -> None:
    pool = open_pool(settings)
    most = settings.database_connections
    before = waits()

    assert (pool.figures.in_use, pool.figures.idle, pool.figures.free) == (0, 0, most)
    with pool.borrowed():
        assert (pool.figures.in_use, pool.figures.idle, pool.figures.free) == (1, 0, most - 1)
    assert (pool.figures.in_use, pool.figures.idle, pool.figures.free) == (0, 1, most - 1)
    assert waits() - before == 1
    pool.close_all()


def test_every_thread_has_its_own(settings: Settings) -> None:
    pool = open_pool(settings)
    leave, borrowed = Event(), Event()

    def hold() -> None:
        with pool.borrowed():
            borrowed.set()
            leave.wait(120)

    other = Thread(target=hold)
    other.start()
    assert borrowed.wait(60)
    with pool.borrowed():
        assert pool.figures.in_use == 2
    leave.set()
    other.join()
    pool.close_all()
