"""The examples of the reference: there is one of everything, and they are true (DX-02)."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator
from marshmallow import Schema, fields, validate

from api.endpoints import EVENT_STREAM, FORM, JSON, MULTIPART, Endpoint
from api.examples.shapes import example_of
from api.problems import catalogue
from api.routes.table import endpoints
from api.schemas.wire import EXAMPLE_MOMENT, SELDOM, Line, Moment, Wire
from jobs.llms.costs import charge
from jobs.llms.outcomes import usage_body
from jobs.llms.provider import Tokens
from jobs.oauth.scopes import known
from jobs.people import TIERS
from models.embedders import embedders
from models.kernel.clock import wire_time
from models.kernel.ids import KINDS, parse_id
from models.kernel.money import Nano
from models.llms import llms, vendors
from models.roles import permissions, roles, roles_in_organization
from tests.api.conftest import Open, endpoint, parts_for
from tests.reference import FOLDER

REFERENCE: Final = json.loads((FOLDER / "openapi.json").read_text(encoding="utf-8"))
OPERATIONS: Final[dict[str, dict[str, Any]]] = {
    f"{method.upper()} {path}": operation
    for path, operations in REFERENCE["paths"].items()
    for method, operation in operations.items()
}
TOLD: Final = {JSON, FORM, MULTIPART, EVENT_STREAM}
"""The kinds of content that have an example; pages and pictures speak for themselves."""

WORDS: Final[dict[str, frozenset[str]]] = {
    "role": frozenset({*roles(), *roles_in_organization(), "assistant", "system", "support", ""}),
    "tier": frozenset({*TIERS, ""}),
    "model": frozenset({*llms(), *embedders(), "auto", "ilm-lexicon"}),
    "vendor": frozenset(vendors()),
    "permissions": permissions(),
    "scopes": known(),
}
"""What may stand under a name. A claim that is not said has no name."""

_ID: Final = re.compile(rf"({'|'.join(sorted(KINDS))})_[0-9a-f-]+")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:")


def resolved(node: Any) -> Any:
    """Follow a reference into the components."""
    if "$ref" not in node:
        return node
    _, _, section, name = node["$ref"].split("/")
    return REFERENCE["components"][section][name]


def contents(operation: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield what an operation takes and answers: `body` or the status, its type, what is told."""
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        yield "body", kind, content
    for status, answer in operation["responses"].items():
        for kind, content in resolved(answer).get("content", {}).items():
            yield status, kind, content


def examples(content: Mapping[str, Any]) -> list[Any]:
    """Return the examples of a content."""
    if "example" in content:
        return [content["example"]]
    return [resolved(each)["value"] for each in content.get("examples", {}).values()]


def everything() -> Iterator[tuple[str, Any, Any]]:
    """Yield every example of the reference: where it is, what it looks like, its schema."""
    for name, operation in OPERATIONS.items():
        for place, kind, content in contents(operation):
            for example in examples(content):
                yield f"{name} {place} {kind}", example, content.get("schema", {})


def leaves(node: Any) -> Iterator[tuple[str, Any]]:
    """Yield everything that is not made of parts, with the name it has."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from ((n or name, leaf) for n, leaf in leaves(value))
    elif isinstance(node, list):
        for value in node:
            yield from leaves(value)
    else:
        yield "", node


def tables(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every object within an example."""
    if isinstance(node, dict):
        yield node
    for part in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from tables(part)


@pytest.fixture
def routes(tmp_path: Path) -> tuple[Endpoint, ...]:
    """Every endpoint."""
    return endpoints(parts_for(tmp_path, settings={}))


@pytest.mark.parametrize("name", OPERATIONS)
def test_whatever_is_sent_answered_or_refused_has_an_example(name: str) -> None:
    lacking = [
        (place, kind)
        for place, kind, content in contents(OPERATIONS[name])
        if kind in TOLD and not examples(content)
    ]

    assert not lacking


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_example_fits_its_schema(name: str) -> None:
    for place, kind, content in contents(OPERATIONS[name]):
        whole = {**content.get("schema", {}), "components": REFERENCE["components"]}
        checker = Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
        for example in examples(content):
            faults = [
                f"{fault.json_path}: {fault.message}" for fault in checker.iter_errors(example)
            ]
            assert not faults, (place, kind)


def test_what_is_shown_as_sent_is_read(routes: tuple[Endpoint, ...]) -> None:
    for route in routes:
        shape = route.form or route.urlencoded or route.body
        if shape is None:
            continue
        sent = route.example
        assert not shape.validate(example_of(shape, is_sent=True) if sent is None else dict(sent))


def test_every_field_that_is_answered_is_shown(routes: tuple[Endpoint, ...]) -> None:
    for route in routes:
        told = route.shows if route.answer and isinstance(route.shows, dict) else {}
        for shape in shapes(route.answer):
            unknown = set(always(shape)) - example_of(shape).keys() - told.keys()
            assert not unknown, (route.operation_id, shape)


def shapes(schema: Schema | None) -> Iterator[Schema]:
    """Yield a schema and those nested in it."""
    if schema is None:
        return
    yield schema
    for field in schema.fields.values():
        inner = field.inner if isinstance(field, fields.List) else field
        if isinstance(inner, fields.Nested) and "example" not in field.metadata:
            yield from shapes(inner.schema)


def always(schema: Schema) -> Iterator[str]:
    """Yield the names of the fields that are always answered."""
    for name, field in schema.fields.items():
        if not field.load_only and not field.metadata.get(SELDOM):
            yield field.data_key or name


def test_ids_are_ids_and_moments_are_as_we_write_them() -> None:
    for place, example, _ in everything():
        for name, value in leaves(example):
            if isinstance(value, str) and (found := _ID.fullmatch(value)):
                assert parse_id(found[1], value), (place, name)
            if isinstance(value, str) and _MOMENT.match(value):
                assert wire_time(datetime.fromisoformat(value)) == value, (place, name)


def test_tokens_and_costs_add_up() -> None:
    price = llms()["gpt-4o-mini"].price_on(datetime.fromisoformat(EXAMPLE_MOMENT).date())
    seen = 0
    for place, example, _ in everything():
        for usage in tables(example):
            if "costUsd" in usage and "promptTokens" in usage:
                seen += 1
                tokens = Tokens(input=usage["promptTokens"], output=usage["completionTokens"])
                assert usage == usage_body(tokens, charge(tokens, price)), place
    assert seen


def test_cents_are_those_of_the_exact_amount() -> None:
    seen = set()
    for place, example, _ in everything():
        for table in tables(example):
            for name in (each for each in table if each.endswith("_nano_usd")):
                cents = table.get(name.replace("_nano_usd", "_cents"))
                amount = Nano(int(table[name]))
                assert cents in {None, amount.cost_cents, amount.balance_cents}, (place, name)
                seen |= {name} if cents is not None else set()
    assert len(seen) > 3


def test_a_list_shows_what_it_counts() -> None:
    pages = [each for _, example, _ in everything() for each in tables(example)]
    for page in pages:
        if "pagination" in page:
            told = page["pagination"]
            assert told["total"] == len(page["data"]) == 1
            assert told == {"page": 1, "limit": 20, "total": 1, "totalPages": 1, "hasMore": False}


def test_an_error_is_shown_as_it_is_told() -> None:
    for name, refusal in REFERENCE["components"]["responses"].items():
        told = refusal["content"].get(JSON)
        codes = refusal["description"].split(", ")
        assert told is None or list(told["examples"]) == codes, name

    for name, example in REFERENCE["components"]["examples"].items():
        shown = example["value"]["error"]
        if "." not in name:
            assert shown["code"] == name
            assert shown["message"] == catalogue()[name].message
            assert shown["documentation"].endswith(f"/errors/{name}")


@pytest.mark.parametrize("name", WORDS)
def test_words_of_which_there_are_few_are_among_them(name: str) -> None:
    said = [
        (place, word)
        for place, example, _ in everything()
        for table in tables(example)
        for word in ([table[name]] if isinstance(table.get(name), str) else table.get(name) or ())
        if word not in WORDS[name]
    ]

    assert not said


class Parcel(Wire):
    """A shape to test with."""

    label = Line(most=20, required=True, metadata={"example": "books"})
    weight = fields.Integer()
    key = fields.String(load_only=True, metadata={"example": "123"})
    sent_at = Moment(dump_only=True)
    lost = fields.Boolean(metadata={SELDOM: True})
    way = fields.String(validate=validate.OneOf(["air", "sea"]), dump_only=True)
    stops = fields.List(fields.Nested(lambda: Parcel(only=("label",))), dump_only=True)


def test_an_example_is_put_together_of_what_the_fields_look_like() -> None:
    assert example_of(Parcel()) == {
        "label": "books", "sentAt": EXAMPLE_MOMENT, "way": "air", "stops": [{"label": "books"}],
    }  # fmt: skip
    assert example_of(Parcel(), is_sent=True) == {"label": "books", "key": "123"}


def test_what_is_sent_comes_back_and_a_route_has_the_last_word(open_browser: Open) -> None:
    posting = endpoint(
        method="POST", handler=lambda *_: None, body=Parcel(), answer=Parcel(),
        example={"label": "a lamp"}, shows={"way": "sea"}, streams="data: {}\n\n",
    )  # fmt: skip

    document = open_browser(posting).get("/v1/openapi.json").json

    content = document["paths"]["/test"]["post"]["responses"]["200"]["content"]
    assert content[JSON]["example"] == example_of(Parcel()) | {"label": "a lamp", "way": "sea"}
    assert content[EVENT_STREAM]["example"] == "data: {}\n\n"
