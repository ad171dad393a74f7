"""Books over HTTP: who sees which, what may be changed, and what is left of one deleted."""

from typing import Any

import pytest
from falcon.testing import Result

from models.books import Book
from models.events import Event
from models.jobs import JobRow
from models.kernel.ids import new_id, wire_id
from tests import factories
from tests.api.conftest import code
from tests.api.reader import Reader, path_of

READS = ("", "/pages", "/pages/status", "/pages/1", "/cover")
CHANGES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("PATCH", "", {"json": {"title": "Mine now"}}),
    ("DELETE", "", {}),
    ("POST", "/pages/generate", {"json": {}}),
    ("PUT", "/cover", {}),
    ("DELETE", "/cover", {}),
)
VERBS = (*(("GET", path, {}) for path in READS), *CHANGES)
VERB_NAMES = [f"{verb} {path or '/'}" for verb, path, _ in VERBS]


def titles(answer: Result) -> list[str]:
    return [book["title"] for book in answer.json["data"]]


def shown(reader: Reader, **given: Any) -> Book:
    """Have a book with a page and a cover, so that every read has something to show."""
    cover = {"key": "k", "width": 800, "height": 1036, "size": 9}
    book = factories.book(reader.person, page_count=1, cover=cover, **given)
    factories.page(book)
    return book


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize(
    ("visibility", "status"), [("public", 200), ("private", 404), ("friends", 404), ("club", 404)]
)
def test_others_read_what_is_public_and_nothing_else(
    ada: Reader, bob: Reader, path: str, visibility: str, status: int
) -> None:
    book = path_of(shown(ada, visibility=visibility).id)

    assert ada.get(book + path).status_code == 200
    assert bob.get(book + path).status_code == status


@pytest.mark.parametrize(("verb", "path", "options"), VERBS, ids=VERB_NAMES)
def test_anothers_private_book_is_not_there_on_any_verb(
    ada: Reader, bob: Reader, verb: str, path: str, options: dict[str, Any]
) -> None:
    theirs = path_of(shown(ada).id)
    nobodys = path_of(new_id())

    answer = bob.send(verb, theirs + path, **options)

    assert code(answer) == (404, "NOT_FOUND")
    assert sameness(answer) == sameness(bob.send(verb, nobodys + path, **options))


def sameness(answer: Result) -> tuple[int, dict[str, Any], set[str]]:
    """Return what two answers must share that are not to be told apart."""
    error = dict(answer.json["error"])
    del error["requestId"], error["timestamp"]
    return answer.status_code, error, set(answer.headers)


@pytest.mark.parametrize(
    ("verb", "path", "options"), CHANGES, ids=[f"{verb} {path}" for verb, path, _ in CHANGES]
)
def test_anothers_public_book_may_be_seen_and_not_changed(
    ada: Reader, bob: Reader, verb: str, path: str, options: dict[str, Any]
) -> None:
    book = shown(ada, visibility="public")

    assert code(bob.send(verb, path_of(book.id) + path, **options)) == (403, "FORBIDDEN")
    assert Book.get_by_id(book.id).title == book.title
    assert JobRow.select().count() == 0


@pytest.mark.parametrize(("verb", "path", "options"), VERBS, ids=VERB_NAMES)
def test_a_book_of_the_other_mode_is_not_there(
    ada: Reader, verb: str, path: str, options: dict[str, Any]
) -> None:
    trial = Reader(ada.browser, ada.person, mode="test")
    book = path_of(shown(ada).id)

    assert code(trial.send(verb, book + path, **options)) == (404, "NOT_FOUND")


@pytest.mark.parametrize(("verb", "path", "options"), VERBS, ids=VERB_NAMES)
def test_nobody_reads_or_changes_without_a_credential(
    ada: Reader, verb: str, path: str, options: dict[str, Any]
) -> None:
    book = path_of(shown(ada, visibility="public").id)

    assert code(ada.browser.request(verb, book + path, **options)) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize(
    ("verb", "path", "options"), CHANGES, ids=[f"{v} {p}" for v, p, _ in CHANGES]
)
def test_a_key_that_may_only_read_changes_nothing(
    ada: Reader, verb: str, path: str, options: dict[str, Any]
) -> None:
    reading = Reader(ada.browser, ada.person, scopes=["books:read"])
    book = path_of(shown(ada).id)

    answer = reading.send(verb, book + path, **options)

    assert code(answer) == (403, "INSUFFICIENT_PERMISSIONS")


@pytest.mark.parametrize(("verb", "path", "options"), VERBS, ids=VERB_NAMES)
def test_a_deleted_book_is_told_to_who_could_see_it_and_to_nobody_else(
    ada: Reader, bob: Reader, verb: str, path: str, options: dict[str, Any]
) -> None:
    private, public = shown(ada), shown(ada, visibility="public")
    for book in (private, public):
        assert ada.delete(path_of(book.id)).status_code == 204

    deleted = (404, "RESOURCE_DELETED")
    assert code(ada.send(verb, path_of(private.id) + path, **options)) == deleted
    assert code(bob.send(verb, path_of(public.id) + path, **options)) == deleted
    assert code(bob.send(verb, path_of(private.id) + path, **options)) == (404, "NOT_FOUND")


def test_deleting_hides_a_book_and_stops_what_was_being_done_for_it(ada: Reader) -> None:
    place = ada.upload().headers["Location"]

    assert ada.delete(place).status_code == 204
    assert ada.get("/v1/books").json["data"] == []
    assert {row.state for row in JobRow.select()} == {"cancelled"}
    assert Event.select().where(Event.type == "book.deleted").count() == 1
    assert code(ada.delete(place)) == (404, "RESOURCE_DELETED")


ODD_IDS = (
    "1", "book_", "book_1", "user_" + "0" * 32, "book_" + "g" * 32, "%00", "..%2f..%2fetc",
    "book_' or '1'='1", "book_" + "0" * 33, "book_%E0%A0%A0", "nul%00", "a" * 2_000,
)  # fmt: skip


@pytest.mark.parametrize("odd", ODD_IDS)
@pytest.mark.parametrize("verb", ["GET", "PATCH", "DELETE"])
def test_what_cannot_be_an_id_is_not_there(ada: Reader, verb: str, odd: str) -> None:
    options = {"json": {}} if verb == "PATCH" else {}

    assert ada.send(verb, f"/v1/books/{odd}", **options).status_code == 404


def test_the_list_is_ones_own_and_what_is_public_newest_first(ada: Reader, bob: Reader) -> None:
    for title, owner, given in (
        ("mine", ada, {}),
        ("theirs", bob, {}),
        ("open", bob, {"visibility": "public"}),
        ("trial", ada, {"mode": "test"}),
        ("gone", ada, {"deleted_at": factories.LATER}),
        ("newest", ada, {"visibility": "public"}),
    ):
        factories.book(owner.person, title=title, **given)

    assert titles(ada.get("/v1/books")) == ["newest", "open", "mine"]
    assert titles(ada.get("/v1/books?mine=true")) == ["newest", "mine"]
    assert titles(bob.get("/v1/books")) == ["newest", "open", "theirs"]


def test_a_list_is_given_out_in_pages_that_miss_nothing(ada: Reader) -> None:
    for number in range(5):
        factories.book(ada.person, title=str(number))

    first, second, third = (ada.get(f"/v1/books?page={n}&limit=2").json for n in (1, 2, 3))

    assert [book["title"] for page in (first, second, third) for book in page["data"]] == list(
        "43210"
    )
    assert first["pagination"] == {
        "page": 1, "limit": 2, "total": 5, "totalPages": 3, "hasMore": True,
    }  # fmt: skip
    assert not third["pagination"]["hasMore"]
    assert ada.get("/v1/books?page=4&limit=2").json["data"] == []


FILTERS: tuple[tuple[str, list[str]], ...] = (
    ("category=Science", ["b"]),
    ("category=Science,Fiction", ["c", "b"]),
    ("language=fr", ["c"]),
    ("visibility=public", ["c"]),
    ("format=pdf", ["b", "a"]),
    ("format=epub,pdf", ["c", "b", "a"]),
    ("category=Science&format=epub", []),
    ("sort=title", ["a", "b", "c"]),
    ("sort=-title", ["c", "b", "a"]),
    ("sort=createdAt", ["a", "b", "c"]),
    ("sort=-updatedAt", ["c", "b", "a"]),
)


@pytest.mark.parametrize(("query", "found"), FILTERS, ids=[query for query, _ in FILTERS])
def test_a_list_is_filtered_and_sorted(ada: Reader, query: str, found: list[str]) -> None:
    factories.book(ada.person, title="a")
    factories.book(ada.person, title="b", category="Science")
    factories.book(
        ada.person, title="c", category="Fiction", language="fr", format="epub", visibility="public"
    )

    assert titles(ada.get(f"/v1/books?{query}")) == found


ODD_QUERIES = (
    "colour=red", "category=Robots", "category=", "format=exe", "sort=price", "sort=--title",
    "sort=title;drop", "page=0", "page=-1", "page=one", "page=1.5", "page=99999999999999999999",
    "limit=0", "limit=101", "mine=yes", "page=1&page=2", "language=%00", "visibility=secret",
    "sort=owner_id", "sort=fileSha256", "limit=%d9%a1",
)  # fmt: skip


@pytest.mark.parametrize("query", ODD_QUERIES)
def test_a_query_that_is_odd_is_refused(ada: Reader, query: str) -> None:
    assert code(ada.get(f"/v1/books?{query}"))[0] == 400


@pytest.mark.parametrize("word", ["' or 1=1 --", "fr'; drop table book; --", "%", "\\", "💥"])
def test_a_word_no_book_has_finds_none(ada: Reader, word: str) -> None:
    factories.book(ada.person, language="fr")

    assert titles(ada.get("/v1/books", params={"language": word})) == []


def test_why_a_book_cannot_be_read_is_told(ada: Reader) -> None:
    path = ada.book(
        text_status="failed", error_code="DOCUMENT_ENCRYPTED", error_message="it wants a password"
    )

    answer = ada.get(path)

    assert answer.json["error"] == {
        "code": "DOCUMENT_ENCRYPTED", "message": "it wants a password",
    }  # fmt: skip
    assert "error" not in ada.get(ada.book()).json


INNER = ("sha256", "fileSha", "accountId", "fileName", "layout", "key", "deletedAt", "mode")


def test_nothing_inner_is_shown(ada: Reader, bob: Reader) -> None:
    book = factories.book(ada.person, visibility="public")

    body = bob.get(path_of(book.id)).json

    assert set(body) == {
        "id", "title", "author", "description", "category", "language", "isbn", "metadata",
        "visibility", "ownerId", "pageCount", "format", "fileSize", "textStatus", "pagesStatus",
        "coverUrl", "createdAt", "updatedAt",
    }  # fmt: skip
    assert not [name for name in body if any(inner in name for inner in INNER)]
    assert body["ownerId"] == wire_id("user", book.owner_id)
    assert book.file_sha256.hex() not in str(body)
