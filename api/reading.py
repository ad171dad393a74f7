"""Reading requests: bytes to JSON, JSON and query to what a schema makes of them, ids to UUIDs."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl
from uuid import UUID

from falcon.asgi import Request
from marshmallow import Schema, ValidationError

from api.endpoints import FORM, JSON, MEBIBYTE, Endpoint
from api.schemas.wire import Nothing, strict_json
from models.kernel.errors import (
    Detail,
    Invalid,
    Malformed,
    NotFound,
    PayloadTooLarge,
    UnsupportedMediaType,
)
from models.kernel.ids import parse_id

MOST_FIELDS: Final = 100

_NOTHING: Final = Nothing()
_LONGEST_NAME: Final = 100
_NUL: Final = "NUL and lone surrogates are not allowed."


async def body_of(req: Request, limit: int, seconds: float) -> bytes:
    """Return the whole body; raise `PayloadTooLarge`, or `Malformed` for one cut short or slow."""
    if (req.content_length or 0) > limit:
        raise _too_large(limit)
    if req.get_header("Content-Encoding") not in {None, "identity"}:
        raise UnsupportedMediaType("send the body without Content-Encoding")
    try:
        async with asyncio.timeout(seconds):
            body: bytes = await req.stream.read(limit + 1)
    except TimeoutError as error:
        raise Malformed(f"the body did not arrive within {seconds:g} s") from error
    if len(body) > limit:
        raise _too_large(limit)
    if req.content_length is not None and len(body) < req.content_length:
        raise Malformed("the body is shorter than its Content-Length")
    return body


def _too_large(limit: int) -> PayloadTooLarge:
    size = f"{limit // MEBIBYTE} MiB" if limit >= MEBIBYTE else f"{limit} bytes"
    return PayloadTooLarge(f"this route takes at most {size}")


def json_of(body: bytes, content_type: str | None) -> Any:
    """Parse a JSON body strictly: `UnsupportedMediaType`, `Malformed`, or `Invalid` for NUL."""
    if (content_type or "").partition(";")[0].strip().lower() != JSON:
        raise UnsupportedMediaType(f"this route takes {JSON}")
    try:
        value = strict_json(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Malformed("the body is not JSON in UTF-8") from error
    if b"\\u" in body:
        refuse_unstorable(value)
    return value


def refuse_unstorable(value: Any) -> None:
    """Raise `Invalid`, naming the field, for text that PostgreSQL or UTF-8 cannot hold."""
    odd = [Detail(path[:_LONGEST_NAME] or "body", _NUL) for path in _unstorable(value, "")]
    if odd:
        raise Invalid(details=odd)


def _unstorable(value: Any, path: str) -> Iterator[str]:
    """Yield the paths of odd text; the parser has bounded the depth already."""
    if isinstance(value, str):
        if _is_odd(value):
            yield path
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unstorable(item, f"{path}.{index}".lstrip("."))
    elif isinstance(value, dict):
        for name, item in value.items():
            if _is_odd(name):
                yield path
            yield from _unstorable(item, f"{path}.{name}".lstrip("."))


def _is_odd(text: str) -> bool:
    return "\0" in text or any("\ud800" <= character <= "\udfff" for character in text)


def loaded(schema: Schema | None, value: Any) -> Any:
    """Return what a schema makes of a value; raise `Invalid` with every field that is wrong."""
    try:
        return (schema or _NOTHING).load(value)
    except ValidationError as error:
        raise Invalid(details=list(details_of(error.messages, ""))) from error


def details_of(messages: Any, path: str) -> Iterator[Detail]:
    """Flatten marshmallow's nested messages under a path: `a.0.b` and its words."""
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            step = "" if name == "_schema" else str(name)
            yield from details_of(inner, f"{path}.{step}".strip("."))
    elif isinstance(messages, list):
        for inner in messages:
            yield from details_of(inner, path)
    else:
        yield Detail(
            path[:_LONGEST_NAME].encode("utf-8", "replace").decode() or "body", str(messages)
        )


def query_of(req: Request, schema: Schema | None) -> Any:
    """Return what a schema makes of the query; unknown, repeated or unreadable fields refuse."""
    return loaded(schema, _fields_of(req.query_string, "the query"))


def form_of(body: bytes, content_type: str | None) -> dict[str, str]:
    """Return the fields of a form that was posted; raise as `json_of` and `query_of` do."""
    if (content_type or "").partition(";")[0].strip().lower() != FORM:
        raise UnsupportedMediaType(f"this route takes {FORM}")
    try:
        return _fields_of(body.decode("ascii"), "the form")
    except UnicodeDecodeError as error:
        raise Malformed("the form cannot be read") from error


def _fields_of(text: str, what: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise Malformed(f"{what} cannot be read") from error
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Invalid(details=[Detail(twice[:_LONGEST_NAME], "Given more than once.")])
    refuse_unstorable(fields)
    return fields


def params_of(endpoint: Endpoint, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the path's fields, ids as UUIDs; raise `NotFound` for an id that cannot be one."""
    return {name: _param(endpoint.kind_of(name), value) for name, value in params.items()}


def _param(kind: str | None, value: Any) -> UUID | Any:
    if isinstance(value, str) and _is_odd(value):
        raise NotFound
    if kind is None:
        return value
    try:
        return parse_id(kind, value)
    except ValueError as error:
        raise NotFound from error
