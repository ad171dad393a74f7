"""Formats: answers as JSON or CSV, asked for in words and checked when they are whole (M-38)."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from models.kernel.errors import Detail, Invalid

TEXT: Final = "text"
JSON_OBJECT: Final = "json_object"
JSON_SCHEMA: Final = "json_schema"
CSV: Final = "csv"
FORMATS: Final = (TEXT, JSON_OBJECT, JSON_SCHEMA, CSV)
DEEPEST: Final = 20
LARGEST_SCHEMA: Final = 50_000
MOST_FAULTS: Final = 5

_TYPES: Final[Mapping[str, Any]] = {
    "object": dict, "array": list, "string": str, "boolean": bool, "integer": int,
    "number": (int, float), "null": type(None),
}  # fmt: skip
_WORDS: Final = {
    JSON_OBJECT: "Answer with one JSON object and nothing else.",
    JSON_SCHEMA: "Answer with JSON alone, valid against the schema you were given.",
    CSV: "Answer with CSV alone: a header line, commas between fields, double quotes where needed.",
}


def options_of(form: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a Chat request says of a format; of CSV and plain text, nothing."""
    if form.get("type") == JSON_OBJECT:
        return {"response_format": {"type": JSON_OBJECT}}
    if form.get("type") == JSON_SCHEMA:
        schema = {"name": "answer", "schema": form["schema"]}
        return {"response_format": {"type": JSON_SCHEMA, "json_schema": schema}}
    return {}


def words_of(form: Mapping[str, Any]) -> str | None:
    """Return what an LLM is told of a format, None of plain text."""
    return _WORDS.get(form.get("type", TEXT))


def refuse_odd_schema(schema: Mapping[str, Any]) -> None:
    """Raise `Invalid` for a schema that is too large, too deep, or of types there are not."""
    faults = list(_odd_in(schema, 0))
    if len(json.dumps(schema)) > LARGEST_SCHEMA:
        faults.append(f"Longer than {LARGEST_SCHEMA} characters.")
    if faults:
        raise Invalid(details=[Detail("responseFormat.schema", faults[0])])


def _odd_in(schema: Any, depth: int) -> Iterator[str]:
    if depth > DEEPEST:
        yield f"Deeper than {DEEPEST} levels."
        return
    if not isinstance(schema, Mapping):
        yield "A schema is an object."
        return
    named = schema.get("properties", {})
    lists = [schema.get("enum", []), schema.get("required", [])]
    if not isinstance(named, Mapping) or not all(isinstance(each, list) for each in lists):
        yield "properties is an object, enum and required are lists."
        return
    yield from (f"There is no type {kind}." for kind in _types(schema) if kind not in _TYPES)
    inner = [*named.values(), *([schema["items"]] if "items" in schema else [])]
    for each in inner:
        yield from _odd_in(each, depth + 1)


def faults_in(text: str, form: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with an answer in a format, a few faults at most."""
    kind = form.get("type", TEXT)
    if kind == CSV:
        return list(_faults_in_csv(text))
    if kind not in {JSON_OBJECT, JSON_SCHEMA}:
        return []
    try:
        value = json.loads(unfenced(text))
    except (ValueError, RecursionError):
        return ["The answer is not JSON."]
    if kind == JSON_OBJECT:
        return [] if isinstance(value, dict) else ["The answer is not a JSON object."]
    faults = list(_faults(value, form["schema"], "answer"))
    return faults[:MOST_FAULTS]


def unfenced(text: str) -> str:
    """Return a text without the fence of a code block around it."""
    lines = text.strip().splitlines()
    is_fenced = len(lines) > 1 and lines[0].startswith("```") and lines[-1] == "```"
    return "\n".join(lines[1:-1]) if is_fenced else text


def _faults_in_csv(text: str) -> Iterator[str]:
    rows = [row for row in csv.reader(io.StringIO(unfenced(text))) if any(map(str.strip, row))]
    if not rows:
        yield "The answer has no line of CSV."
    elif any(len(row) != len(rows[0]) for row in rows):
        yield "The lines of the answer have different numbers of fields."


def _faults(value: Any, schema: Mapping[str, Any], at: str) -> Iterator[str]:
    """Yield where a value departs from a schema: type, enum, const, required, properties, items."""
    kinds = _types(schema)
    if kinds and not any(_is(value, kind) for kind in kinds):
        yield f"{at} is not of type {' or '.join(kinds)}."
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at} is none of the values allowed."
    if "const" in schema and value != schema["const"]:
        yield f"{at} is not the value wanted."
    if isinstance(value, dict):
        yield from _faults_in_object(value, schema, at)
    if isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        for place, item in enumerate(value):
            yield from _faults(item, schema["items"], f"{at}[{place}]")


def _faults_in_object(value: dict[str, Any], schema: Mapping[str, Any], at: str) -> Iterator[str]:
    known = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{at}.{name} is missing."
    for name, item in value.items():
        if name in known:
            yield from _faults(item, known[name], f"{at}.{name}")
        elif schema.get("additionalProperties") is False:
            yield f"{at}.{name} is not expected."


def _types(schema: Mapping[str, Any]) -> Sequence[str]:
    kinds: Any = schema.get("type", ())
    return list(kinds) if isinstance(kinds, (list, tuple)) else [str(kinds)]


def _is(value: Any, kind: str) -> bool:
    """Say whether a value is of a type; true and false are no numbers, 1.0 is an integer."""
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[kind])
