"""Changing a book over HTTP: what is named is changed, and what is wrong changes nothing."""

import json

import pytest

from models.events import Event
from tests import factories
from tests.api.conftest import code
from tests.api.reader import Reader, path_of
from tests.rows import events


def test_a_change_changes_what_it_names_and_says_so_once(ada: Reader) -> None:
    book = factories.book(ada.person, author="Ada", metadata={"a": 1})
    path = path_of(book.id)

    answer = ada.patch(path, json={"title": " New ", "author": None, "visibility": "public"})

    assert answer.status_code == 200
    assert (answer.json["title"], answer.json["author"]) == ("New", None)
    assert (answer.json["visibility"], answer.json["metadata"]) == ("public", {"a": 1})
    assert answer.json["updatedAt"] >= answer.json["createdAt"]
    assert ada.get(path).json == answer.json
    assert Event.select().where(Event.type == "book.updated").count() == 1


def test_a_change_of_nothing_is_none(ada: Reader) -> None:
    path = ada.book()
    before = ada.get(path).json

    assert ada.patch(path, json={}).json == before
    assert events(ada.account_id) == []


BAD_CHANGES = {
    "an unknown field": ({"colour": "red"}, "colour"),
    "what only we set": ({"pageCount": 3}, "pageCount"),
    "another owner": ({"ownerId": "user_" + "0" * 32}, "ownerId"),
    "another format": ({"format": "epub"}, "format"),
    "a number for a title": ({"title": 3}, "title"),
    "null for a title": ({"title": None}, "title"),
    "a list for a title": ({"title": ["a"]}, "title"),
    "an empty title": ({"title": ""}, "title"),
    "a title with a NUL": ({"title": "a\0"}, "title"),
    "half a character": ({"title": "\ud800"}, "title"),
    "a truth for a visibility": ({"visibility": True}, "visibility"),
    "metadata that is a list": ({"metadata": []}, "metadata"),
    "metadata with a NUL": ({"metadata": {"a": ["\0"]}}, "metadata.a.0"),
    "metadata with a NUL in a name": ({"metadata": {"\0": 1}}, "metadata"),
    "metadata too long": ({"metadata": {"a": "b" * 20_001}}, "metadata"),
    "a description too long": ({"description": "a" * 10_001}, "description"),
}


@pytest.mark.parametrize("name", BAD_CHANGES)
def test_a_change_that_is_wrong_changes_nothing(ada: Reader, name: str) -> None:
    change, field = BAD_CHANGES[name]
    path = ada.book()
    before = ada.get(path).json

    answer = ada.patch(path, body=json.dumps(change), headers={"Content-Type": "application/json"})

    assert code(answer) == (400, "VALIDATION_ERROR")
    assert [each["field"] for each in answer.json["error"]["details"]] == [field]
    assert ada.get(path).json == before


BAD_BODIES = {
    "no JSON": b"{",
    "not utf-8": b'{"title": "\xff"}',
    "no number": b'{"metadata": {"a": NaN}}',
    "too large a number": b'{"metadata": {"a": 1e400}}',
    "no bottom": b'{"metadata": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
    "twice the whole": b"{}{}",
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_body_that_is_no_json_changes_nothing(ada: Reader, name: str) -> None:
    path = ada.book()

    answer = ada.patch(path, body=BAD_BODIES[name], headers={"Content-Type": "application/json"})

    assert code(answer) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize("depth", [50, 300, 900, 960, 990, 1_100, 5_000])
def test_a_body_of_any_depth_is_answered(ada: Reader, depth: int) -> None:
    """The parser's bound is not ours: what it lets through, everything after it must bear."""
    text = '{"metadata": ' + '{"\\u0061":' * depth + "1" + "}" * (depth + 1)

    answer = ada.patch(ada.book(), body=text.encode(), headers={"Content-Type": "application/json"})

    assert answer.status_code in {200, 400}


@pytest.mark.parametrize("change", [b"[]", b"null", b"3", b'"title"', b"true"])
def test_a_body_that_is_no_object_changes_nothing(ada: Reader, change: bytes) -> None:
    answer = ada.patch(ada.book(), body=change, headers={"Content-Type": "application/json"})

    assert code(answer)[0] == 400
