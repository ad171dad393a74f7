"""Uploads: what is taken in, and what is refused without a trace (K-02, K-04, K-05)."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from models.books import Book, StoredFile
from models.jobs import JobRow
from tests import documents
from tests.api.conftest import code
from tests.api.reader import BOOK, Reader, form, written

Kept = Callable[[], tuple[object, ...]]

FILES = {
    "pdf": (BOOK, "book.pdf"),
    "epub": (documents.epub("Once upon a time."), "book.epub"),
    "mobi": (documents.mobi("Once upon a time."), "book.mobi"),
    "txt": ("Once upon a time, in Zürich.".encode(), "book.txt"),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_book_is_taken_in_by_what_it_is(ada: Reader, kind: str) -> None:
    content, _ = FILES[kind]

    answer = ada.upload(content, "lies.exe", title="A Book", visibility="public")

    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v1/books/{answer.json['id']}"
    assert (answer.json["format"], answer.json["fileSize"]) == (kind, len(content))
    assert (answer.json["textStatus"], answer.json["pagesStatus"]) == ("pending", "pending")
    assert answer.json["coverUrl"] is None
    assert ada.get(answer.headers["Location"]).json == answer.json


def test_its_text_and_its_pages_are_queued_with_it(ada: Reader) -> None:
    ada.upload()

    types = sorted(row.type for row in JobRow.select())
    assert types == ["book.text", "pages.generate"]
    assert {row.subject_id for row in JobRow.select()} == {Book.get().id}


def test_everything_an_owner_says_is_kept(ada: Reader) -> None:
    said = {
        "title": "  Cafe\u0301 ",
        "author": "Ada",
        "description": "Two\nlines",
        "category": "Science",
        "language": "ar-EG",
        "isbn": "978-0-306-40615-7",
        "visibility": "club",
    }

    answer = ada.upload(**said, metadata=json.dumps({"shelf": {"row": 3}}))

    body = answer.json
    assert body.items() >= {**said, "title": "Café", "isbn": "9780306406157"}.items()
    assert body["metadata"] == {"shelf": {"row": 3}}


@pytest.mark.parametrize(
    ("name", "language"), [("manual_fr.pdf", "fr"), ("kitab arabic.pdf", "ar"), ("x.pdf", None)]
)
def test_a_language_nobody_names_is_guessed_from_the_files_name(
    ada: Reader, name: str, language: str | None
) -> None:
    assert ada.upload(name=name).json["language"] == language


def test_a_file_is_stored_once_and_nobody_learns_of_it(
    ada: Reader, bob: Reader, kept: Kept
) -> None:
    first = ada.upload()
    second = bob.upload()
    again = ada.upload()

    assert [each.status_code for each in (first, second, again)] == [201, 201, 201]
    assert set(first.json) == set(second.json)
    assert StoredFile.select().count() == 1
    assert sum("/blobs/" in str(each) for each in kept()) == 1
    assert bob.get(first.headers["Location"]).status_code == 404


TRICKS = [
    "'; drop table book; --",
    '" or 1=1 --',
    "../../../../etc/passwd",
    "..\\..\\windows\\system32",
    "%s %d %(id)s {0} ${x}",
    "<script>alert(1)</script>",
    "\u202egnp.exe",
    "💥" * 100,
]


@pytest.mark.parametrize("trick", TRICKS)
def test_tricks_are_kept_as_words_and_do_nothing(ada: Reader, kept: Kept, trick: str) -> None:
    answer = ada.upload(
        name=f"{trick}.pdf",
        title=trick,
        author=trick,
        description=trick,
        metadata=json.dumps({trick: trick}),
    )

    assert answer.status_code == 201
    assert (answer.json["title"], answer.json["author"]) == (trick, trick)
    assert answer.json["metadata"] == {trick: trick}
    assert "passwd" not in str(kept())
    assert ada.get("/v1/books").json["pagination"]["total"] == 1


@pytest.mark.parametrize(
    "file_name",
    [
        b'filename="caf\xe9.pdf"',
        b'filename="\xff\xfe\x00.pdf"',
        b"filename*=UTF-8''caf%C3%A9%00.pdf",
        b"filename*=UTF-8''%ff%fe.pdf",
        b"filename*=nonsense''x.pdf",
        b'filename="../../../etc/passwd"',
        b'filename="C:\\books\\a.pdf"',
        b'filename="' + b"a" * 5_000 + b'.pdf"',
        b'filename=""',
    ],
)
def test_a_name_that_is_odd_is_no_reason_to_refuse_a_book(ada: Reader, file_name: bytes) -> None:
    head = b'Content-Disposition: form-data; name="file"; ' + file_name

    answer = ada.post("/v1/books", **written(head))

    assert answer.status_code in {201, 400}
    if answer.status_code == 201:
        kept = Book.get().file_name
        assert len(kept) <= 255
        assert not set("/\\\0") & set(kept)


def test_nobody_uploads_without_the_right_to(ada: Reader, kept: Kept) -> None:
    before = kept()
    scoped = Reader(ada.browser, ada.person, scopes=["books:read"])

    anonymous = ada.browser.post("/v1/books", **form(BOOK, title="A"))
    reading = scoped.upload()

    assert code(anonymous) == (401, "UNAUTHORIZED")
    assert code(reading) == (403, "INSUFFICIENT_PERMISSIONS")
    assert kept() == before


def test_the_same_key_takes_a_book_in_once(ada: Reader) -> None:
    first = ada.upload(headers={"Idempotency-Key": "k1"})
    again = ada.upload(headers={"Idempotency-Key": "k1"})

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json == first.json
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (Book.select().count(), JobRow.select().count()) == (1, 2)


@pytest.mark.parametrize(
    "other", [{"title": "B"}, {"content": b"another file"}], ids=["title", "file"]
)
def test_the_same_key_with_another_book_is_a_conflict_and_leaves_nothing(
    ada: Reader, kept: Kept, other: dict[str, Any]
) -> None:
    ada.upload(headers={"Idempotency-Key": "k1"})
    before = kept()

    answer = ada.upload(headers={"Idempotency-Key": "k1"}, **other)

    assert code(answer) == (409, "CONFLICT")
    assert kept() == before


def test_a_refused_upload_does_not_use_its_key_up(ada: Reader) -> None:
    refused = ada.upload(headers={"Idempotency-Key": "k1"}, visibility="everyone")

    assert refused.status_code == 400
    assert ada.upload(headers={"Idempotency-Key": "k1"}).status_code == 201


def test_many_at_once_take_a_book_in_once(ada: Reader) -> None:
    sent = [
        ada.browser.send(
            "POST",
            "/v1/books",
            **form(BOOK, headers={**ada.headers, "Idempotency-Key": "k1"}, title="A"),
        )
        for _ in range(6)
    ]
    answers = [each.result(60) for each in sent]

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json["id"] for answer in answers}) == 1
    assert Book.select().count() == 1


def test_the_same_file_many_times_at_once_is_stored_once(ada: Reader, kept: Kept) -> None:
    sent = [
        ada.browser.send("POST", "/v1/books", **form(BOOK, headers=ada.headers, title="A"))
        for _ in range(6)
    ]

    assert {each.result(60).status_code for each in sent} == {201}
    assert sum("/blobs/" in str(each) for each in kept()) == 1
