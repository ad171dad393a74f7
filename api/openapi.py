"""OpenAPI 3.1 of every route, made of the endpoints and their schemas (DX-01)."""

from collections.abc import Sequence
from typing import Any, Final

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import fields

from api.endpoints import (
    ANY_PRINCIPAL,
    EVENT_STREAM,
    FORM,
    JSON,
    LOGGED_IN,
    MULTIPART,
    PUBLIC,
    Endpoint,
)
from api.examples.shapes import example_of
from api.refusals import Refusals
from api.schemas.amounts import Cost, Exact, Have
from api.schemas.lists import MOST_CHOICES, AnyOf, Sort
from api.schemas.wire import FileField, Id, Moment, example_id
from api.shown import ORGANIZATION

TITLE: Final = "Ilm"
SECURITY: Final[list[dict[str, list[str]]]] = [{"bearer": []}, {"apiKey": []}]

_BODILESS: Final = frozenset({101, 204, 302, 303})
_DESCRIPTION: Final = """
Send `Authorization: Bearer <access token or API key>`, or `X-API-Key: <API key>`.
Every error has one shape, and its `documentation` leads to the page of its code.
`X-Request-ID` comes back as it came, and is `requestId` in errors.
`X-Organization: org_…` acts for an organization you are in; one you are not in is 404.
A POST that creates honours `Idempotency-Key` for 24 hours.
`X-RateLimit-Limit`, `-Remaining` and `-Reset` tell of the nearest limit on requests.
"""


def document(endpoints: Sequence[Endpoint], *, version: str, base_url: str) -> dict[str, Any]:
    """Return the document; two schemas of one name, or a repeated operation, is an error."""
    plugin = MarshmallowPlugin()
    spec = APISpec(
        TITLE,
        version,
        "3.1.0",
        plugins=[plugin],
        info={"description": _DESCRIPTION.strip(), "license": {"name": "AGPL-3.0-or-later"}},
        servers=[{"url": base_url}],
        tags=[{"name": tag} for tag in dict.fromkeys(each.tag for each in endpoints)],
    )
    _teach(plugin)
    spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    spec.components.security_scheme(
        "apiKey", {"type": "apiKey", "in": "header", "name": "X-API-Key"}
    )
    refusals = Refusals(spec, base_url)
    for endpoint in endpoints:
        operation = _operation(plugin, endpoint)
        operation["responses"] |= refusals.of(endpoint)
        spec.path(endpoint.template, operations={endpoint.method.lower(): operation})
    made: dict[str, Any] = spec.to_dict()
    return made


def _teach(plugin: MarshmallowPlugin) -> None:
    """Say how our own fields look in JSON Schema."""
    converter: Any = plugin.converter
    converter.map_to_openapi_type(Id, "string", None)
    converter.map_to_openapi_type(Exact, "string", None)
    converter.map_to_openapi_type(Cost, "integer", None)
    converter.map_to_openapi_type(Have, "integer", None)
    converter.map_to_openapi_type(Moment, "string", "date-time")
    converter.map_to_openapi_type(FileField, "string", "binary")
    converter.map_to_openapi_type(AnyOf, "array", None)
    converter.map_to_openapi_type(Sort, "string", None)
    converter.add_attribute_function(_own_properties)


def _own_properties(_converter: Any, field: fields.Field[Any], **_: Any) -> dict[str, Any]:
    if isinstance(field, Id):
        return {"pattern": f"^{field.kind}_"}
    if isinstance(field, AnyOf):
        choices = {"enum": list(field.choices)} if field.choices else {"pattern": "^[^,]+$"}
        return {"items": {"type": "string", **choices}, "minItems": 1, "maxItems": MOST_CHOICES}
    if isinstance(field, Sort):
        return {"enum": list(field.choices)}
    return {}


def _operation(plugin: MarshmallowPlugin, endpoint: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.operation_id,
        "summary": endpoint.summary,
        "description": _told(endpoint),
        "tags": [endpoint.tag],
        "parameters": [*_path_fields(endpoint), *_query_fields(plugin, endpoint)],
        "responses": {
            str(endpoint.status): _answer(endpoint),
            **{str(status): {"description": endpoint.summary} for status in endpoint.also},
        },
        "security": [] if endpoint.permission == PUBLIC else SECURITY,
    }
    if endpoint.deprecated:
        operation["deprecated"] = True
    if endpoint.permission != PUBLIC:
        operation["parameters"].append(_organization())
    if endpoint.creates or endpoint.keyed:
        operation["parameters"].append(_idempotency_key())
    body = _body(endpoint)
    if body:
        operation["requestBody"] = body
    return operation


def _told(endpoint: Endpoint) -> str:
    asks_none = {PUBLIC, ANY_PRINCIPAL, LOGGED_IN}
    needs = "" if endpoint.permission in asks_none else endpoint.permission
    return "\n\n".join(
        part for part in (endpoint.description, needs and f"Needs `{needs}`.") if part
    )


def _path_fields(endpoint: Endpoint) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": _path_schema(endpoint, name)}
        for name in endpoint.fields
    ]


def _path_schema(endpoint: Endpoint, name: str) -> dict[str, Any]:
    kind = endpoint.kind_of(name)
    if kind:
        return {"type": "string", "pattern": f"^{kind}_", "example": example_id(kind)}
    return {"type": "integer" if f"{{{name}:int" in endpoint.path else "string"}


def _query_fields(plugin: MarshmallowPlugin, endpoint: Endpoint) -> list[dict[str, Any]]:
    shape = endpoint.query.fields if endpoint.query else {}
    return [_query_field(plugin, name, field) for name, field in shape.items()]


def _query_field(plugin: MarshmallowPlugin, name: str, field: Any) -> dict[str, Any]:
    schema: dict[str, Any] = plugin.converter.field2property(field)  # type: ignore[union-attr]  # set once it is bound
    parameter = {
        "name": field.data_key or name,
        "in": "query",
        "required": field.required,
        "schema": schema,
    }
    if isinstance(field, AnyOf):
        parameter |= {"style": "form", "explode": False}
    return parameter


def _organization() -> dict[str, Any]:
    told = "Act for this organization, with what its role carries of what you may do."
    schema = {"type": "string", "pattern": "^org_", "example": example_id("org")}
    return {"name": ORGANIZATION, "in": "header", "description": told, "schema": schema}


def _idempotency_key() -> dict[str, Any]:
    told = "Repeat a request with the same key and it is answered the same, for 24 hours."
    schema = {"type": "string", "pattern": "^[!-~]{1,255}$"}
    return {"name": "Idempotency-Key", "in": "header", "description": told, "schema": schema}


def _body(endpoint: Endpoint) -> dict[str, Any] | None:
    shape = endpoint.form or endpoint.urlencoded or endpoint.body
    if shape is None:
        return None
    example = endpoint.example
    shown = example_of(shape, is_sent=True) if example is None else dict(example)
    content = {"schema": shape, "example": shown}
    return {"required": True, "content": {_sent_as(endpoint): content}}


def _sent_as(endpoint: Endpoint) -> str:
    if endpoint.form is not None:
        return MULTIPART
    return JSON if endpoint.urlencoded is None else FORM


def _answer(endpoint: Endpoint) -> dict[str, Any]:
    told: dict[str, Any] = {"description": endpoint.summary}
    if endpoint.status in _BODILESS:
        return told
    media: dict[str, Any] = {"schema": endpoint.answer or {}}
    shown = _shown(endpoint)
    if shown is not None:
        media["example"] = shown
    told["content"] = {endpoint.media_type: media}
    if endpoint.streams:
        told["content"][EVENT_STREAM] = {"schema": {"type": "string"}, "example": endpoint.streams}
    return told


def _shown(endpoint: Endpoint) -> Any:
    """Return what an answer looks like, None when nobody says: what was sent comes back in it."""
    if endpoint.answer is None:
        return endpoint.shows
    looks = example_of(endpoint.answer)
    sent = {name: said for name, said in (endpoint.example or {}).items() if name in looks}
    return looks | sent | (endpoint.shows or {})
