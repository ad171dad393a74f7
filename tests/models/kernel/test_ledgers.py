"""Ledgers: what processes counted is told by any of them, after they were killed too."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.kernel.ledgers import FOLDER, Ledgers, Owner, Series
from models.kernel.settings import Settings
from tests.servers import ROOT, isolated

COUNTING = """
import sys
from pathlib import Path
from models.kernel.ledgers import Ledgers
from models.kernel.measures import HTTP_IN_FLIGHT, HTTP_REFUSED, HTTP_SECONDS
from models.kernel.settings import Settings

HTTP_REFUSED.add("BEFORE")
Ledgers(Settings(home=Path(sys.argv[1]))).share(sys.argv[2])
for line in sys.stdin:
    HTTP_REFUSED.add("NOT_FOUND", amount=int(line))
    HTTP_SECONDS.observe(0.3, "GET", "/v1/books", "2xx")
    HTTP_IN_FLIGHT.add(1)
    print("done", flush=True)
"""
REFUSED = ("counter", "ilm_http_refused_total", ("NOT_FOUND",))
BEFORE = ("counter", "ilm_http_refused_total", ("BEFORE",))
IN_FLIGHT = ("gauge", "ilm_http_in_flight", ())
TOOK = ("histogram", "ilm_http_request_seconds", ("GET", "/v1/books", "2xx"))


class Counting:
    """A process that counts what it is told."""

    def __init__(self, home: Path, kind: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", COUNTING, str(home), kind],
            cwd=ROOT, env=isolated(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def count(self, amount: int) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{amount}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Counting, Counting]]:
    """Two processes of different kinds, at one home."""
    made = Counting(tmp_path, "web"), Counting(tmp_path, "worker-llm")
    yield made
    for each in made:
        each.kill()


@pytest.fixture
def ledgers(tmp_path: Path) -> Ledgers:
    return Ledgers(Settings(home=tmp_path))


def told(ledgers: Ledgers) -> Series:
    """Return what is told; what pytest's own process counted is not in the folder."""
    return ledgers.read()


def test_the_sum_of_all_processes_is_told_or_that_of_one_kind(
    two: tuple[Counting, Counting], ledgers: Ledgers
) -> None:
    two[0].count(3)
    two[1].count(4)

    assert told(ledgers)[REFUSED] == [7.0]
    assert told(ledgers)[BEFORE] == [2.0]
    assert told(ledgers)[IN_FLIGHT] == [2.0]
    assert sum(told(ledgers)[TOOK][:-1]) == 2.0
    assert ledgers.read("web".__eq__)[REFUSED] == [3.0]
    assert {owner.kind for owner in ledgers.living()} == {"web", "worker-llm"}


def test_counters_of_a_killed_process_stay_and_its_gauges_go(
    two: tuple[Counting, Counting], ledgers: Ledgers, tmp_path: Path
) -> None:
    two[0].count(3)
    two[1].count(4)

    two[1].kill()

    for _ in range(3):
        assert told(ledgers)[REFUSED] == [7.0]
        assert told(ledgers)[IN_FLIGHT] == [1.0]
    assert ledgers.read("worker-llm".__eq__)[REFUSED] == [4.0]
    assert [owner.kind for owner in ledgers.living()] == ["web"]
    assert len(list((tmp_path / FOLDER).glob("*.ledger"))) == 1


def test_folding_that_was_killed_before_the_file_was_gone_counts_nothing_twice(
    two: tuple[Counting, Counting], ledgers: Ledgers, tmp_path: Path
) -> None:
    two[1].count(4)
    (ledger,) = (tmp_path / FOLDER).glob("*~worker-llm~*.ledger")
    two[1].kill()
    left = ledger.read_bytes()
    assert told(ledgers)[REFUSED] == [4.0]

    ledger.write_bytes(left)

    assert told(ledgers)[REFUSED] == [4.0]
    assert not ledger.exists()


@pytest.mark.parametrize("keep", [0, 5, 8, 40, 60], ids=lambda keep: f"{keep} bytes")
def test_a_ledger_that_was_cut_off_is_read_as_far_as_it_goes(
    two: tuple[Counting, Counting], ledgers: Ledgers, tmp_path: Path, keep: int
) -> None:
    two[0].count(3)
    two[1].count(4)
    (ledger,) = (tmp_path / FOLDER).glob("*~worker-llm~*.ledger")
    two[1].kill()
    ledger.write_bytes(ledger.read_bytes()[:keep])

    assert told(ledgers)[REFUSED] == [3.0]


def test_another_process_with_the_same_id_is_somebody_else(tmp_path: Path) -> None:
    mine = Owner.myself("web")

    assert mine.is_alive
    assert not Owner(mine.host, mine.kind, mine.pid, "12").is_alive
    assert Owner.of(tmp_path / mine.file) == mine
    assert Owner.of(tmp_path / "notes.txt") is None
