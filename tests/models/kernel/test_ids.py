"""Ids: UUIDv7 inside, prefixed outside, and nothing else is taken for one."""

import time
from concurrent.futures import ThreadPoolExecutor
from uuid import RFC_4122, UUID

import pytest

from models.kernel.ids import KINDS, new_id, parse_id, wire_id

ID = UUID("01936d5e-0000-7abc-8def-0123456789ab")


def test_an_id_is_a_uuid_of_version_7_made_now() -> None:
    """To a second: ids grow on where this machine's clock was set back by less."""
    before = time.time_ns() // 1_000_000
    made = new_id()
    after = time.time_ns() // 1_000_000

    assert (made.version, made.variant) == (7, RFC_4122)
    assert before - 1_000 <= made.int >> 80 <= after + 1_000


def test_each_id_is_greater_than_the_one_before() -> None:
    """Those of one moment too: what is listed by its id is listed in the order it was made."""
    made = [new_id() for _ in range(10_000)]

    assert made == sorted(set(made))
    assert len({each.int >> 80 for each in made}) < len(made)


def test_ids_of_many_threads_differ_and_each_thread_sees_its_own_grow() -> None:
    with ThreadPoolExecutor(8) as crowd:
        piles = list(crowd.map(lambda _: [new_id() for _ in range(2_000)], range(8)))

    assert all(pile == sorted(pile) for pile in piles)
    assert len({each for pile in piles for each in pile}) == 16_000


def test_ids_go_on_growing_when_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before = new_id()
    monkeypatch.setattr(time, "time_ns", lambda: 0)

    assert before < new_id() < new_id()


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_an_id_comes_back_from_the_wire(kind: str) -> None:
    assert parse_id(kind, wire_id(kind, ID)) == ID


@pytest.mark.parametrize(
    "text",
    [
        "job_01936d5e00007abc8def0123456789ab",
        "01936d5e00007abc8def0123456789ab",
        "book_",
        "book_01936d5e00007abc8def0123456789a",
        "book_01936d5e00007abc8def0123456789abc",
        "book_zzz36d5e00007abc8def0123456789ab",
        "book-01936d5e00007abc8def0123456789ab",
        "BOOK_01936d5e00007abc8def0123456789ab",
        "book_' or 1=1 --",
        "book_../../etc/passwd",
        "",
    ],
)
def test_what_is_no_id_of_the_kind_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_id("book", text)


@pytest.mark.parametrize(
    "text",
    [
        "book_{01936d5e-0000-7abc-8def-0123456789ab}",
        "book_urn:uuid:01936d5e-0000-7abc-8def-0123456789ab",
        "book_0193-6d5e-0000-7abc-8def-0123456789-ab",
        "book_٠١٩٣٦d5e00007abc8def0123456789ab",
    ],
)
def test_an_id_is_spelled_in_hex_digits_or_dashed_and_no_other_way(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_id("book", text)
    assert parse_id("book", f"book_{ID}") == ID
    assert parse_id("book", f"book_{ID.hex.upper()}") == ID
