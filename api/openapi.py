"""OpenAPI 3.1 of every route, made of the endpoints and their schemas (DX-01)."""

from collections.abc import Sequence
from typing import Any, Final

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema, fields

from api.endpoints import ANY_PRINCIPAL, BODIES, PUBLIC, Endpoint
from api.problems import catalogue
from api.schemas.lists import MOST_CHOICES, AnyOf, Sort
from api.schemas.system import ErrorSchema
from api.schemas.wire import FileField, Id, Moment
from api.schemas.wires import AnthropicErrorSchema, OpenAIErrorSchema
from models.kernel import errors
from models.kernel.errors import IlmError
from models.roles import permissions

TITLE: Final = "Ilm"
SECURITY: Final[list[dict[str, list[str]]]] = [{"bearer": []}, {"apiKey": []}]

_ALWAYS: Final = (errors.Invalid, IlmError, errors.Unavailable, errors.UpstreamTimeout)
_WITH_BODY: Final = (errors.Malformed, errors.PayloadTooLarge, errors.UnsupportedMediaType)
_WITH_CREDENTIAL: Final = (errors.Unauthorized, errors.InsufficientPermissions)
_BODILESS: Final = 204
_ERRORS: Final[dict[str, type[Schema]]] = {
    "chat": OpenAIErrorSchema,
    "responses": OpenAIErrorSchema,
    "messages": AnthropicErrorSchema,
}
"""The shape of errors on the wires of others."""

_DESCRIPTION: Final = """
Send `Authorization: Bearer <access token or API key>`, or `X-API-Key: <API key>`.
Every error has one shape, and its `documentation` leads to the page of its code.
`X-Request-ID` comes back as it came, and is `requestId` in errors.
A POST that creates honours `Idempotency-Key` for 24 hours.
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
    for endpoint in endpoints:
        operation = _operation(plugin, endpoint)
        spec.path(endpoint.template, operations={endpoint.method.lower(): operation})
    made: dict[str, Any] = spec.to_dict()
    return made


def _teach(plugin: MarshmallowPlugin) -> None:
    """Say how our own fields look in JSON Schema."""
    converter: Any = plugin.converter
    converter.map_to_openapi_type(Id, "string", None)
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
        "responses": {str(endpoint.status): _answer(endpoint), **_refusals(endpoint)},
        "security": [] if endpoint.permission == PUBLIC else SECURITY,
    }
    if endpoint.creates or endpoint.keyed:
        operation["parameters"].append(_idempotency_key())
    body = _body(endpoint)
    if body:
        operation["requestBody"] = body
    return operation


def _told(endpoint: Endpoint) -> str:
    needs = "" if endpoint.permission in {PUBLIC, ANY_PRINCIPAL} else endpoint.permission
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
        return {"type": "string", "pattern": f"^{kind}_", "example": f"{kind}_{'0' * 32}"}
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


def _idempotency_key() -> dict[str, Any]:
    told = "Repeat a request with the same key and it is answered the same, for 24 hours."
    schema = {"type": "string", "pattern": "^[!-~]{1,255}$"}
    return {"name": "Idempotency-Key", "in": "header", "description": told, "schema": schema}


def _body(endpoint: Endpoint) -> dict[str, Any] | None:
    if endpoint.form is not None:
        return {"required": True, "content": {"multipart/form-data": {"schema": endpoint.form}}}
    if endpoint.body is None:
        return None
    content: dict[str, Any] = {"schema": endpoint.body}
    if endpoint.example is not None:
        content["example"] = dict(endpoint.example)
    return {"required": True, "content": {"application/json": content}}


def _answer(endpoint: Endpoint) -> dict[str, Any]:
    told: dict[str, Any] = {"description": endpoint.summary}
    if endpoint.status != _BODILESS:
        shape: Schema | dict[str, Any] = endpoint.answer or {}
        told["content"] = {endpoint.media_type: {"schema": shape}}
    return told


def _refusals(endpoint: Endpoint) -> dict[str, Any]:
    """Return the answers an endpoint refuses with, several codes of one status together."""
    codes: dict[int, list[str]] = {}
    for error in _errors(endpoint):
        known = codes.setdefault(catalogue()[error.code].status, [])
        if error.code not in known:
            known.append(error.code)
    own = str(endpoint.status)
    return {
        str(status): {
            "description": ", ".join(names),
            "content": {"application/json": {"schema": _ERRORS.get(endpoint.wire, ErrorSchema)}},
        }
        for status, names in sorted(codes.items())
        if str(status) != own
    }


def _errors(endpoint: Endpoint) -> list[type[IlmError]]:
    found: list[type[IlmError]] = [*_ALWAYS, *endpoint.errors]
    if endpoint.method in BODIES:
        found += _WITH_BODY
    if endpoint.permission in permissions():
        found += _WITH_CREDENTIAL
    elif endpoint.permission == ANY_PRINCIPAL:
        found.append(errors.Unauthorized)
    if endpoint.creates or endpoint.keyed:
        found.append(errors.IdempotencyMismatch)
    if any(endpoint.kind_of(name) for name in endpoint.fields):
        found.append(errors.NotFound)
    return found
