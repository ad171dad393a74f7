"""Answers in formats: what is asked of an LLM, and what is found wrong with its answer (M-38)."""

from typing import Any

import pytest

from jobs.chats.formats import faults_in, options_of, refuse_odd_schema, words_of
from models.kernel.errors import Invalid

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "sizes": {"type": "array", "items": {"type": ["integer", "null"]}},
        "kind": {"enum": ["seal", "walrus"]},
    },
    "required": ["name"],
    "additionalProperties": False,
}


def faults(text: str, schema: dict[str, Any] | None = None) -> list[str]:
    return faults_in(text, {"type": "json_schema", "schema": schema or SCHEMA})


def test_what_is_valid_has_no_fault() -> None:
    assert faults('{"name": "Ann", "sizes": [1, null, 2.0], "kind": "walrus"}') == []
    assert faults('```json\n{"name": "Ann"}\n```') == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "The answer is not JSON."),
        ("[" * 100_000, "The answer is not JSON."),
        ("[]", "answer is not of type object."),
        ("{}", "answer.name is missing."),
        ('{"name": 1}', "answer.name is not of type string."),
        ('{"name": "a", "sizes": [1, "2"]}', "answer.sizes[1] is not of type integer or null."),
        ('{"name": "a", "sizes": [true]}', "answer.sizes[0] is not of type integer or null."),
        ('{"name": "a", "kind": "cat"}', "answer.kind is none of the values allowed."),
        ('{"name": "a", "more": 1}', "answer.more is not expected."),
    ],
)
def test_what_is_not_is_named(text: str, fault: str) -> None:
    assert faults(text) == [fault]


def test_of_many_faults_a_few_are_told() -> None:
    schema = {"type": "array", "items": {"type": "string"}}

    assert len(faults("[1,2,3,4,5,6,7,8]", schema)) == 5


@pytest.mark.parametrize(
    ("text", "count"), [("a,b\n1,2\n", 0), ('a,b\n"1,5",2', 0), ("a,b\n1", 1), (" \n", 1)]
)
def test_csv_has_lines_of_one_length(text: str, count: int) -> None:
    assert len(faults_in(text, {"type": "csv"})) == count


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "walrus"},
        {"type": {"a": 1}},
        {"properties": {"a": {"type": "thing"}}},
        {"properties": []},
        {"enum": 3},
        {"required": "name"},
        {"items": "string"},
        {"enum": ["x" * 60_000]},
    ],
)
def test_a_schema_that_is_none_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        refuse_odd_schema(schema)


def test_a_schema_too_deep_is_refused() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(25):
        schema = {"type": "array", "items": schema}

    with pytest.raises(Invalid):
        refuse_odd_schema(schema)


def test_vendors_are_asked_for_json_in_their_own_way_and_in_words() -> None:
    form = {"type": "json_schema", "schema": SCHEMA}

    assert options_of(form)["response_format"]["json_schema"]["schema"] == SCHEMA
    assert options_of({"type": "json_object"}) == {"response_format": {"type": "json_object"}}
    assert options_of({"type": "csv"}) == options_of({}) == {}
    assert "JSON" in (words_of(form) or "")
    assert words_of({"type": "text"}) is None
