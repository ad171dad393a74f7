"""Uploads that are refused, and of which nothing is kept: no row, no file, no half of one."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from requests import Request

from tests.api.conftest import Open, code
from tests.api.reader import BOOK, Reader, written

Kept = Callable[[], tuple[object, ...]]

BAD_FILES = {
    "empty": (b"", 400, "VALIDATION_ERROR"),
    "lying extension": (b"MZ\x90\x00\x03 not a book", 415, "UNSUPPORTED_MEDIA_TYPE"),
    "a zip that is no book": (b"PK\x03\x04" + b"\0" * 60, 415, "UNSUPPORTED_MEDIA_TYPE"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0", 415, "UNSUPPORTED_MEDIA_TYPE"),
    "not utf-8": (b"caf\xe9 au lait", 415, "UNSUPPORTED_MEDIA_TYPE"),
    "utf-16": ("text".encode("utf-16"), 415, "UNSUPPORTED_MEDIA_TYPE"),
    "binary": (bytes(range(256)) * 20, 415, "UNSUPPORTED_MEDIA_TYPE"),
    "only spaces": (b"  \n\n ", 415, "UNSUPPORTED_MEDIA_TYPE"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_is_no_book_leaves_nothing(ada: Reader, kept: Kept, name: str) -> None:
    content, status, word = BAD_FILES[name]
    before = kept()

    answer = ada.upload(content, "book.pdf")

    assert code(answer) == (status, word)
    assert kept() == before


@pytest.mark.parametrize("size", [1, 5_000, 2 << 20])
def test_a_file_one_byte_too_large_leaves_nothing(
    open_browser: Open, database: object, kept: Kept, size: int
) -> None:
    reader = Reader(open_browser(max_upload_bytes=size))
    before = kept()

    answer = reader.upload(b"a" * (size + 1))

    assert code(answer) == (413, "PAYLOAD_TOO_LARGE")
    assert str(size) in answer.json["error"]["message"]
    assert kept() == before
    assert reader.upload(b"a" * size).status_code == 201


BAD_FIELDS = {
    "no title": ({"title": ""}, "title"),
    "a title of spaces": ({"title": "   "}, "title"),
    "a title of two lines": ({"title": "a\nb"}, "title"),
    "a title too long": ({"title": "a" * 501}, "title"),
    "a title with a NUL": ({"title": "a\0b"}, "title"),
    "an unknown visibility": ({"visibility": "everyone"}, "visibility"),
    "an unknown category": ({"category": "Robots"}, "category"),
    "a language that is none": ({"language": "'; drop table book; --"}, "language"),
    "an isbn whose check digit is wrong": ({"isbn": "9780306406158"}, "isbn"),
    "an isbn of letters": ({"isbn": "../../etc/passwd"}, "isbn"),
    "metadata that is no object": ({"metadata": "[1]"}, "metadata"),
    "metadata that is no JSON": ({"metadata": "{"}, "metadata"),
    "metadata too long": ({"metadata": json.dumps({"a": "b" * 20_001})}, "metadata"),
    "metadata with a NUL": ({"metadata": '{"a": "\\u0000"}'}, "metadata.a"),
    "metadata with a surrogate": ({"metadata": '{"a": "\\ud800"}'}, "metadata.a"),
    "metadata with no number": ({"metadata": '{"a": NaN}'}, "metadata"),
    "metadata with too large a number": ({"metadata": '{"a": 1e400}'}, "metadata"),
    "metadata without a bottom": ({"metadata": '{"a":' * 5_000 + "1" + "}" * 5_000}, "metadata"),
    "an unknown field": ({"owner": "me"}, "owner"),
    "what only we set": ({"pageCount": "3"}, "pageCount"),
    "an id of one's own": ({"id": "book_1"}, "id"),
    "snake case": ({"file_size": "3"}, "file_size"),
}


@pytest.mark.parametrize("name", BAD_FIELDS)
def test_a_field_that_is_wrong_leaves_nothing(ada: Reader, kept: Kept, name: str) -> None:
    given, field = BAD_FIELDS[name]
    before = kept()

    answer = ada.upload(**given)

    assert code(answer) == (400, "VALIDATION_ERROR")
    assert {each["field"] for each in answer.json["error"]["details"]} == {field}
    assert kept() == before


def cut(body: dict[str, Any], at: int) -> dict[str, Any]:
    return {**body, "body": body["body"][:at]}


def length_of(body: dict[str, Any]) -> int:
    return len(body["body"])


WHOLE = written(b'Content-Disposition: form-data; name="file"; filename="a.pdf"')
MULTIPART = {"Content-Type": "multipart/form-data; boundary=b"}
BAD_BODIES = {
    "nothing": {"body": b"", "headers": MULTIPART},
    "noise": {"body": b"\x00\xff" * 100, "headers": MULTIPART},
    "cut in the file": cut(WHOLE, length_of(WHOLE) // 2),
    "cut before its end": cut(WHOLE, -6),
    "another boundary": {**WHOLE, "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
    "no boundary": {**WHOLE, "headers": {"Content-Type": "multipart/form-data"}},
    "a field not in utf-8": {
        "body": WHOLE["body"].replace(b"\r\nA\r\n", b"\r\n\xff\r\n"),
        "headers": MULTIPART,
    },
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_body_that_cannot_be_read_leaves_nothing(ada: Reader, kept: Kept, name: str) -> None:
    before = kept()

    answer = ada.post("/v1/books", **BAD_BODIES[name])

    assert code(answer)[0] == 400
    assert answer.json["error"]["code"] in {"INVALID_REQUEST", "VALIDATION_ERROR"}
    assert kept() == before


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ([("file", ("a", BOOK)), ("file", ("b", BOOK)), ("title", (None, "A"))], 400),
        ([("title", (None, "A")), ("title", (None, "B")), ("file", ("a", BOOK))], 400),
        ([("title", (None, "A"))], 400),
        ([("file", ("a", BOOK))], 400),
        (
            [("title", (None, "A")), ("description", (None, "a" * 65_537)), ("file", ("a", BOOK))],
            413,
        ),
        ([(f"f{at}", (None, "x")) for at in range(30)], 400),
    ],
    ids=["two files", "two titles", "no file", "no title", "a huge field", "too many fields"],
)
def test_parts_that_do_not_make_a_book_leave_nothing(
    ada: Reader, kept: Kept, parts: list[tuple[str, tuple[str | None, object]]], status: int
) -> None:
    made = Request("POST", "http://here", files=parts).prepare()
    before = kept()

    answer = ada.post(
        "/v1/books", body=made.body, headers={"Content-Type": made.headers["Content-Type"]}
    )

    assert answer.status_code == status
    assert kept() == before


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/pdf", ""])
def test_a_body_of_another_kind_is_refused(ada: Reader, kept: Kept, kind: str) -> None:
    before = kept()

    answer = ada.post("/v1/books", body=BOOK, headers={"Content-Type": kind})

    assert code(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert kept() == before
