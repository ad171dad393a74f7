"""Signed addresses: good for what was signed, for up to an hour, under one key (P-05)."""

from urllib.parse import parse_qs, urlsplit

import pytest

from jobs.links import LIFETIME, STEP, Links
from tests.fakes.clock import FakeClock

PATH = "/v1/books/book_1/pages/medium/3.jpg"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def links(clock: FakeClock) -> Links:
    return Links(b"a key", "https://ilm.example", clock)


def parts(address: str) -> tuple[str, int, str]:
    split = urlsplit(address)
    query = parse_qs(split.query)
    return split.path, int(query["expires"][0]), query["signature"][0]


def test_an_address_is_whole_and_good_for_what_it_names(links: Links) -> None:
    address = links.sign(PATH)

    assert address.startswith(f"https://ilm.example{PATH}?")
    assert LIFETIME - STEP <= links.seconds_left(*parts(address)) <= LIFETIME


def test_it_is_over_when_its_time_is(links: Links, clock: FakeClock) -> None:
    path, expires, signature = parts(links.sign(PATH))
    left = links.seconds_left(path, expires, signature)
    clock.move(left - 1)
    assert links.seconds_left(path, expires, signature) == 1
    clock.move(1)

    assert links.seconds_left(path, expires, signature) == 0


@pytest.mark.parametrize(
    ("path", "later", "signature"),
    [
        (PATH.replace("3.jpg", "4.jpg"), 0, None),
        (PATH.upper(), 0, None),
        (f"{PATH}/", 0, None),
        (PATH, 1, None),
        (PATH, -1, None),
        (PATH, 0, ""),
        (PATH, 0, "0" * 64),
        (PATH, 0, "é" * 64),
    ],
    ids=["page", "case", "slash", "later", "sooner", "unsigned", "zeros", "odd letters"],
)
def test_what_was_not_signed_is_good_for_nothing(
    links: Links, path: str, later: int, signature: str | None
) -> None:
    _, expires, good = parts(links.sign(PATH))

    assert links.seconds_left(path, expires + later, good if signature is None else signature) == 0


def test_another_key_signs_nothing_of_ours(links: Links, clock: FakeClock) -> None:
    others = Links(b"another key", "https://ilm.example", clock)

    assert links.seconds_left(*parts(others.sign(PATH))) == 0


def test_every_process_with_the_key_signs_the_same(links: Links, clock: FakeClock) -> None:
    assert Links(b"a key", "https://ilm.example", clock).sign(PATH) == links.sign(PATH)


def test_an_address_never_outlives_an_hour_although_it_was_made_under_a_fast_clock(
    links: Links, clock: FakeClock
) -> None:
    clock.move(86_400)
    early = parts(links.sign(PATH))
    clock.move(-86_400)

    assert links.seconds_left(*early) == LIFETIME
