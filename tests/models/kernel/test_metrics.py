"""Metrics: exact, from any number of threads, and few whatever they are told."""

from itertools import count
from pathlib import Path
from threading import Thread

import pytest

from models.kernel.ledgers import Series, read_ledger
from models.kernel.metrics import (
    LEDGER,
    LEDGER_BYTES,
    MOST_SERIES,
    OTHER,
    Counter,
    Gauge,
    Histogram,
    Ledger,
)

_numbers = count()


@pytest.fixture
def name() -> str:
    """Return a name nothing else is counted under."""
    return f"ilm_test_{next(_numbers)}"


def counted(name: str) -> dict[tuple[str, ...], list[float]]:
    series: Series = read_ledger(LEDGER.told())
    return {labels: numbers for (_, each, labels), numbers in series.items() if each == name}


def test_many_threads_count_exactly(name: str) -> None:
    counter, spread = Counter(name, "", ("who",)), Histogram(f"{name}_s", "", (), (1.0, 2.0))

    def work() -> None:
        for _ in range(2_000):
            counter.add("a")
            spread.observe(1.5)

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert counted(name) == {("a",): [8_000.0]}
    assert counted(f"{name}_s") == {(): [0.0, 8_000.0, 0.0, 12_000.0]}


def test_a_value_on_a_bound_is_within_it_and_one_above_all_is_kept_too(name: str) -> None:
    spread = Histogram(name, "", (), (1.0, 2.0))

    for value in (1.0, 1.01, 2.0, 99.0):
        spread.observe(value)

    assert counted(name)[()][:3] == [1.0, 2.0, 1.0]


def test_a_gauge_is_what_it_was_set_to_and_moved_by(name: str) -> None:
    gauge = Gauge(name, "")

    gauge.set(5)
    gauge.add(2)
    gauge.add(-4)

    assert counted(name) == {(): [3.0]}


@pytest.mark.parametrize(
    "word",
    [
        "ada@example.org",
        "/v1/books/book_0193a7b2c4d5e6f708192a3b4c5d6e7f",
        "0193a7b2-c4d5-7e6f-8819-2a3b4c5d6e7f",
        "ilm_live_a?b=c",
        "x" * 200,
        "two\nlines",
    ],
    ids=["address", "path", "uuid", "query", "long", "lines"],
)
def test_a_label_that_is_no_word_of_ours_counts_as_other(name: str, word: str) -> None:
    counter = Counter(name, "", ("what",))

    counter.add(word)
    counter.add(word)

    assert counted(name) == {(OTHER,): [2.0]}


@pytest.mark.parametrize(
    "word", ["/v1/books/{book_id}/pages/{number}", "claude-sonnet-4-5-20250929", "2xx", ""]
)
def test_a_word_of_ours_stays_itself(name: str, word: str) -> None:
    counter = Counter(name, "", ("what",))

    counter.add(word)

    assert counted(name) == {(word,): [1.0]}


def test_what_is_new_after_a_thousand_counts_as_other_and_nothing_is_remembered(name: str) -> None:
    counter = Counter(name, "", ("what",))

    for number in range(MOST_SERIES + 50):
        counter.add(f"w{number}")

    series = counted(name)
    assert len(series) == MOST_SERIES + 1
    assert series[OTHER,] == [50.0]
    counter.add("w3")
    assert counted(name)["w3",] == [2.0]


def test_labels_are_counted(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        Counter(name, "", ("what",)).add("a", "b")


def test_a_full_ledger_takes_no_more_and_loses_nothing() -> None:
    ledger = Ledger()
    places = [ledger.enter(f"entry {number}", 1_000) for number in range(LEDGER_BYTES // 8_000 + 5)]

    assert places[0] is not None
    assert places[-1] is None
    ledger.numbers[places[0]] = 7.0
    assert ledger.told()[places[0] * 8 :][:8] == bytes(memoryview(b"\0\0\0\0\0\0\x1c@"))


def test_what_was_counted_before_a_ledger_is_shared_is_in_the_file(tmp_path: Path) -> None:
    ledger = Ledger()
    place = ledger.enter('["counter","before",[]]', 1)
    assert place is not None
    ledger.numbers[place] = 3.0

    ledger.share(tmp_path / "ledger")
    ledger.numbers[place] += 1.0

    assert read_ledger((tmp_path / "ledger").read_bytes()) == {("counter", "before", ()): [4.0]}
