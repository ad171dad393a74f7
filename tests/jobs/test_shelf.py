"""The shelf: an answer is kept until what it was made of has changed, and no longer."""

from contextlib import suppress
from uuid import UUID

import pytest
import redis

from jobs import shelf as shelves
from jobs.shelf import LARGEST, Asked, Shelf
from models.books import Book
from models.generations import EVERYBODY, generations_of
from models.kernel.cache import open_cache
from models.kernel.database import database as pool
from models.kernel.settings import Settings
from tests import factories

MEBIBYTES = 1


class Cook:
    """Makes an answer, another one each time."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self) -> str:
        self.made += 1
        return f"dish {self.made}"


@pytest.fixture
def cache(settings: Settings):
    client = open_cache(settings)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def shelf(database, cache) -> Shelf:
    return Shelf(cache, MEBIBYTES)


@pytest.fixture
def cook() -> Cook:
    return Cook()


def asked(*subjects: UUID, question: str = "/v1/books", viewer: str = "ada") -> Asked:
    return Asked(question=question, viewer=viewer, scope="books", subjects=subjects)


def test_what_has_not_changed_is_made_once(shelf, cook) -> None:
    reader = factories.person()

    assert {shelf.answer(asked(reader.account_id), cook) for _ in range(3)} == {"dish 1"}


def test_everybody_has_answers_of_their_own(shelf, cook) -> None:
    given = [
        shelf.answer(each, cook)
        for each in (asked(), asked(viewer="bob"), asked(question="/v1/books?page=2"), asked())
    ]

    assert given == ["dish 1", "dish 2", "dish 3", "dish 1"]


@pytest.mark.parametrize("change", ["insert", "update", "delete"])
def test_a_change_ends_what_was_made_before_it(shelf, cook, change) -> None:
    reader = factories.person()
    book = factories.book(reader)
    mine = asked(reader.account_id)
    shelf.answer(mine, cook)

    if change == "insert":
        factories.book(reader, content=b"another")
    elif change == "update":
        Book.update(title="Another").where(Book.id == book.id).execute()
    else:
        Book.delete().where(Book.id == book.id).execute()

    assert [shelf.answer(mine, cook), shelf.answer(mine, cook)] == ["dish 2", "dish 2"]


def test_a_private_book_of_somebody_else_changes_nothing(shelf, cook) -> None:
    reader = factories.person()
    mine = asked(reader.account_id, EVERYBODY)
    shelf.answer(mine, cook)
    factories.book(visibility="private")

    assert shelf.answer(mine, cook) == "dish 1"


@pytest.mark.parametrize(("before", "after"), [("private", "public"), ("public", "private")])
def test_a_book_that_is_shown_or_hidden_changes_what_everybody_sees(
    shelf, cook, before, after
) -> None:
    book = factories.book(visibility=before)
    public = asked(EVERYBODY)
    shelf.answer(public, cook)
    Book.update(visibility=after).where(Book.id == book.id).execute()

    assert shelf.answer(public, cook) == "dish 2"


def test_what_changes_while_an_answer_is_made_ends_it_at_once(shelf, cook) -> None:
    reader = factories.person()
    mine = asked(reader.account_id)

    def slowly() -> str:
        factories.book(reader)
        return "of before, perhaps"

    shelf.answer(mine, slowly)

    assert shelf.answer(mine, cook) == "dish 1"


def test_a_change_that_is_rolled_back_is_none(shelf, cook) -> None:
    reader = factories.person()
    mine = asked(reader.account_id)
    shelf.answer(mine, cook)
    with suppress(ZeroDivisionError), pool.unit():
        factories.book(reader)
        raise ZeroDivisionError

    assert shelf.answer(mine, cook) == "dish 1"


def test_nobody_waits_for_a_change_that_is_not_committed_yet(database) -> None:
    """Two who change public books at once hold no lock of each other's until the end."""
    factories.book(visibility="public")
    with pool.unit():
        factories.book(visibility="public")
        before = generations_of("books", (EVERYBODY,))
        other = database.rows(
            "select count(*) from pg_locks where relation = 'generation'::regclass"
            " and mode = 'RowExclusiveLock'"
        )

    assert other == [(0,)]
    assert generations_of("books", (EVERYBODY,)) > before


def test_what_is_too_large_is_not_kept(shelf, cook) -> None:
    answers = [shelf.answer(asked(), lambda: "x" * LARGEST) for _ in range(2)]

    assert [len(each) for each in answers] == [LARGEST, LARGEST]
    assert shelf.answer(asked(), cook) == "dish 1"


def test_the_shelf_never_has_more_places_than_it_was_made_with(database, cache, cook) -> None:
    shelf = Shelf(cache, MEBIBYTES)
    for number in range(100):
        shelf.answer(asked(question=str(number)), cook)

    assert cache.dbsize() <= MEBIBYTES * shelves.PER_MEBIBYTE


def test_of_two_that_want_one_place_both_are_answered_rightly(
    database, cache, cook, monkeypatch
) -> None:
    monkeypatch.setattr(shelves, "PER_MEBIBYTE", 1)
    shelf = Shelf(cache, MEBIBYTES)

    given = [shelf.answer(asked(viewer=name), cook) for name in ("ada", "bob", "ada")]

    assert given == ["dish 1", "dish 2", "dish 3"]


@pytest.mark.parametrize("mebibytes", [0, MEBIBYTES], ids=["no shelf", "no redis"])
def test_without_one_every_answer_is_made_anew(database, cook, mebibytes) -> None:
    shelf = Shelf(open_cache(Settings(redis_url="redis://127.0.0.1:1")), mebibytes)

    assert [shelf.answer(asked(), cook) for _ in range(2)] == ["dish 1", "dish 2"]


def test_a_kept_answer_goes_by_itself(shelf, cook, cache: redis.Redis) -> None:
    shelf.answer(asked(), cook)
    (place,) = cache.keys("shelf:*")

    assert 0 < cache.ttl(place) <= asked().seconds
