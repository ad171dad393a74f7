"""Kept answers to reads: `python -m tests.bench.kept [--seconds N]` (G-22)

Readers look at lists of books, some far more often than others (Zipf), and every hundredth request
changes a book. Two web processes that keep answers and two that do not take turns. Printed are the
share of reads that found a kept answer, how long reads took, and how long it takes until another
process shows a change.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from random import Random
from statistics import median
from typing import Final

import requests

from models.accounts import Person
from models.books import Book
from models.kernel.clock import SystemClock
from tests import factories
from tests.bench.rig import Rig, percentile, rig, say
from tests.processes import Web

READERS: Final = 20
BOOKS: Final = 40
WRITES: Final = 0.01
SEED: Final = 22
ROUNDS: Final = 4
CHANGES: Final = 50
LISTS: Final = (
    "/v1/books?mine=true",
    "/v1/books?mine=true&page=2",
    "/v1/books?mine=true&sort=title",
)


def readers(stack: Rig, web: Web) -> list[str]:
    """Make readers with books of their own; return a key of each."""
    keys = []
    for number in range(READERS):
        keys.append(stack.key(web, f"reader{number}@example.org"))
        owner = Person.by_email(f"reader{number}@example.org")
        for book in range(BOOKS):
            factories.book(owner, content=f"{number} {book}".encode())
    return keys


def mixed(webs: Sequence[Web], keys: Sequence[str], seconds: float, dice: Random) -> list[float]:
    """Read and, now and then, write for a while; return the milliseconds of the reads."""
    clock, took = SystemClock(), list[float]()
    weights = [1 / (rank + 1) for rank in range(len(keys))]
    ends = clock.elapsed() + seconds
    with requests.Session() as session:
        while clock.elapsed() < ends:
            (key,) = dice.choices(keys, weights)
            session.headers["Authorization"] = f"Bearer {key}"
            web = dice.choice(webs)
            if dice.random() < WRITES:
                _change(session, web, dice)
                continue
            began = clock.elapsed()
            session.get(f"{web.address}{dice.choice(LISTS)}", timeout=30).raise_for_status()
            took.append((clock.elapsed() - began) * 1000)
    return took


def _change(session: requests.Session, web: Web, dice: Random) -> str:
    """Name a book of the reader's anew, and return how."""
    books = session.get(f"{web.address}{LISTS[0]}", timeout=30).json()["data"]
    title = f"Title {dice.random()}"
    path = f"{web.address}/v1/books/{dice.choice(books)['id']}"
    session.patch(path, json={"title": title}, timeout=30).raise_for_status()
    return title


def until_seen(webs: Sequence[Web], key: str, dice: Random) -> list[float]:
    """Return the milliseconds from the answer to a change until the other process shows it."""
    clock, took = SystemClock(), list[float]()
    here, there = webs
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {key}"
        for _ in range(CHANGES):
            title = _change(session, here, dice)
            began = clock.elapsed()
            while title not in session.get(f"{there.address}{LISTS[0]}", timeout=30).text:
                pass
            took.append((clock.elapsed() - began) * 1000)
    return took


def hits(web: Web) -> float:
    """Return the share of reads that found a kept answer."""
    page = requests.get(f"{web.address}/metrics", timeout=30).text
    found = dict(re.findall(r'ilm_kept_answers_total{outcome="(\w+)"} (\d+)', page))
    return int(found.get("hit", 0)) / max(1, sum(map(int, found.values())))


def main(arguments: Sequence[str]) -> None:
    """Print what is kept and what it is worth."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.kept")
    parser.add_argument("--seconds", type=float, default=5, help="of each of four turns")
    seconds = parser.parse_args(arguments).seconds
    dice = Random(SEED)
    with rig() as stack:
        keeping = [stack.processes.web() for _ in range(2)]
        plain = [stack.processes.web(ILM_CACHE_MIB="0") for _ in range(2)]
        keys = readers(stack, plain[0])
        took: dict[str, list[float]] = {"kept": [], "made anew": []}
        for _ in range(ROUNDS):
            took["kept"] += mixed(keeping, keys, seconds, dice)
            took["made anew"] += mixed(plain, keys, seconds, dice)
        for name, each in took.items():
            p50, p95 = median(each), percentile(each, 0.95)
            say(f"lists of books, {name:<9} p50 {p50:.1f} ms, p95 {p95:.1f} ms")
        say(f"reads that found a kept answer: {hits(keeping[0]):.1%} with {WRITES:.0%} of writes")
        seen = until_seen(keeping, keys[0], dice)
        say(
            f"until another process shows a change: p50 {median(seen):.1f}, most {max(seen):.1f} ms"
        )
        assert Book.select().count() == READERS * BOOKS


if __name__ == "__main__":
    main(sys.argv[1:])
