"""Hold and settle beside the barest two commits: `python -m tests.bench.ledger [--seconds N]`

Eight connections take a hold and settle it, each in a commit of its own, on a hundred accounts and
then on one. Beside it, in turns, the same connections do so with `ledger.sql`, the barest hold and
settle whose books are right; and make two commits that add to the account's row and do nothing
else, which is what the disk and the lock of a row allow. A job with a hold is accepted ten times a
second meanwhile.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from statistics import median
from threading import Event, Thread
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg2
from psycopg2.extensions import connection

from models import engine
from models.kernel.clock import SystemClock
from models.kernel.database import open_pool
from models.kernel.money import Estimate, Nano
from tests.bench.rig import Rig, percentile, rig, say
from tests.chaos.audit import audit
from tests.rows import draft

CONNECTIONS: Final = 8
ACCOUNTS: Final = 100
HELD: Final = 1_000_000
COST: Final = 400_000
RICH: Final = 10**15
ROUNDS: Final = 5
UNUSED: Final = ("B5", "B9")
"""What is of usage, of which there is none here."""
ACCEPTS_EVERY: Final = 0.1

_PEER: Final = Path(__file__).with_name("ledger.sql")
_NEW: Final = "insert into account (id, tier) values (%s, 'enterprise')"
_NEW_BARE: Final = "insert into bare.account (id, balance) values (%s, %s)"
_WRITE: Final = "update account set sandbox_nano = sandbox_nano where id = %s"
_GRANT: Final = "select money_grant(%s, %s, 'grants', %s)"

Pair = Callable[[connection, UUID], None]


def written(link: connection, who: UUID) -> None:
    """Make two commits that each write the account's row."""
    for _ in range(2):
        _commit(link, _WRITE, str(who))


def bare(link: connection, who: UUID) -> None:
    """Hold and settle as barely as can be, a commit each."""
    job = str(uuid4())
    _commit(link, "select bare.take(%s, %s, %s)", job, str(who), HELD)
    _commit(link, "select bare.settle(%s, %s)", job, COST)


def held(link: connection, who: UUID) -> None:
    """Hold and settle, a commit each."""
    job = str(uuid4())
    _commit(link, "select money_hold(%s, %s, %s, 100)", job, str(who), HELD)
    _commit(link, "select money_settle(%s, %s, 40)", job, COST)


def _commit(link: connection, sql: str, *values: Any) -> None:
    with link, link.cursor() as cursor:
        cursor.execute(sql, values)


def pairs_in(stack: Rig, accounts: Sequence[UUID], pair: Pair, seconds: float) -> float:
    """Return how many pairs a second all connections make together."""
    clock = SystemClock()

    def work(number: int) -> int:
        with closing(psycopg2.connect(stack.settings.database_url)) as link:
            until = clock.elapsed() + seconds
            for done in count(1):
                pair(link, accounts[(number + done) * 7919 % len(accounts)])
                if clock.elapsed() >= until:
                    return done
        raise AssertionError("counting never ends")

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return sum(pool.map(work, range(CONNECTIONS))) / seconds


@contextmanager
def accepting(who: UUID) -> Iterator[list[float]]:
    """Accept a job with a hold now and then; give how long each took, in ms."""
    took: list[float] = []
    stop, clock = Event(), SystemClock()

    def work() -> None:
        while not stop.wait(ACCEPTS_EVERY):
            began = clock.elapsed()
            engine.accept(draft(who, hold=Estimate(Nano(HELD), 100), most_waiting=10**6))
            took.append((clock.elapsed() - began) * 1000)

    thread = Thread(target=work)
    thread.start()
    yield took
    stop.set()
    thread.join()


def measure(stack: Rig, name: str, accounts: Sequence[UUID], seconds: float) -> None:
    """Take turns, and print the medians."""
    with accepting(accounts[0]) as took:
        rounds = [
            [pairs_in(stack, accounts, pair, seconds) for pair in (held, bare, written)]
            for _ in range(ROUNDS)
        ]
    ours, least, floor = (median(each) for each in zip(*rounds, strict=True))
    of_least, of_floor = (median(each[0] / each[peer] for each in rounds) for peer in (1, 2))
    say(
        f"ledger, {name:<12} hold + settle {ours:5.0f}/s   bare {least:5.0f}/s ratio {of_least:.2f}"
        f"   two writes {floor:5.0f}/s ratio {of_floor:.2f}"
        f"   accept p99 {percentile(took, 0.99):.0f} ms"
    )


def _opened(stack: Rig) -> list[UUID]:
    """Make accounts that nothing is short of, in both books."""
    accounts = [uuid4() for _ in range(ACCOUNTS)]
    owner = open_pool(stack.settings, owner=True)
    with owner.borrowed():
        owner.script(_PEER.read_text(encoding="utf-8"))
        owner.script("grant usage on schema bare to ilm_app")
        owner.script("grant select, insert, update on all tables in schema bare to ilm_app")
        for who in accounts:
            owner.rows(_NEW, (str(who),))
            owner.rows(_GRANT, (str(who), RICH, f"grant:{who}"))
            owner.rows(_NEW_BARE, (str(who), RICH))
        owner.rows("update account set tokens_limit = %s", (RICH,))
    return accounts


def main(arguments: Sequence[str]) -> int:
    """Measure both, and check the books."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.ledger")
    parser.add_argument("--seconds", type=float, default=4.0)
    seconds = parser.parse_args(arguments).seconds
    with rig("redis") as stack:
        accounts = _opened(stack)
        measure(stack, "100 accounts", accounts, seconds)
        measure(stack, "one account", accounts[:1], seconds)
        broken = [
            each for each in audit(stack.pool) if each.breaches and each.invariant[:2] not in UNUSED
        ]
    say(f"ledger: {len(broken)} invariants broken {[str(each) for each in broken]}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
