"""What the endpoints refuse with: each answer once, with an example of every code (DX-02)."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from apispec import APISpec
from marshmallow import Schema

from api.endpoints import ANY_PRINCIPAL, HTML, JSON, LOGGED_IN, PUBLIC, Endpoint
from api.examples.moments import NOW, TOMORROW
from api.problems import OAUTH, PAGE, Problems, catalogue
from api.schemas.oauth_wire import OAuthErrorSchema
from api.schemas.system import ErrorSchema
from api.schemas.wire import example_id
from api.schemas.wires import AnthropicErrorSchema, OpenAIErrorSchema
from models.factors import wants_step_up
from models.kernel import errors
from models.kernel.denials import MfaRequired, PaymentRequired, StepUpRequired
from models.kernel.errors import Detail, IlmError
from models.limits import Catalogued
from models.roles import permissions

_ALWAYS: Final = (errors.Invalid, IlmError, errors.Unavailable, errors.UpstreamTimeout)
_WITH_BODY: Final = (errors.Malformed, errors.PayloadTooLarge, errors.UnsupportedMediaType)
_WITH_CREDENTIAL: Final = (errors.Unauthorized, errors.InsufficientPermissions)
_SHAPES: Final[dict[str, type[Schema]]] = {
    "chat": OpenAIErrorSchema,
    "responses": OpenAIErrorSchema,
    "messages": AnthropicErrorSchema,
    OAUTH: OAuthErrorSchema,
}
"""The shape of errors on the wires of others."""


class _Standing:
    """A clock that stands still at the moment of every example."""

    def now(self) -> datetime:
        return NOW

    def elapsed(self) -> float:
        return 0.0


class Refusals:
    """Writes refusals into a document, each of them once, among its components."""

    def __init__(self, spec: APISpec, base_url: str) -> None:
        """Take the document, and the public address, under which the pages of the codes are."""
        self._spec = spec
        self._problems = Problems(base_url, _Standing())
        self._kept: set[str] = set()

    def of(self, endpoint: Endpoint) -> dict[str, Any]:
        """Return the refusals of an endpoint by status, several codes of one status together."""
        kinds: dict[int, dict[str, type[IlmError]]] = {}
        for kind in _kinds(endpoint):
            kinds.setdefault(catalogue()[kind.code].status, {}).setdefault(kind.code, kind)
        return {
            str(status): self._answer(endpoint.wire, list(codes.values()))
            for status, codes in sorted(kinds.items())
            if status != endpoint.status
        }

    def _answer(self, wire: str, kinds: Sequence[type[IlmError]]) -> dict[str, str]:
        codes = [kind.code for kind in kinds]
        name = ".".join((wire, *codes)).lstrip(".")
        if name not in self._spec.components.responses:
            told = {"description": ", ".join(codes), "content": self._content(wire, kinds)}
            self._spec.components.response(name, told)
        return {"$ref": f"#/components/responses/{name}"}

    def _content(self, wire: str, kinds: Sequence[type[IlmError]]) -> dict[str, Any]:
        if wire == PAGE:
            return {HTML: {}}
        examples = {kind.code: self._example(wire, kind) for kind in kinds}
        return {JSON: {"schema": _SHAPES.get(wire, ErrorSchema), "examples": examples}}

    def _example(self, wire: str, kind: type[IlmError]) -> dict[str, str]:
        name = f"{wire}.{kind.code}".lstrip(".")
        if name not in self._spec.components.examples:
            body = self._problems.body(_refused(kind), example_id("req"), wire)
            self._spec.components.example(name, {"value": body})
        return {"$ref": f"#/components/examples/{name}"}


def _refused(kind: type[IlmError]) -> IlmError:
    """Return an error of a kind as somebody might meet it."""
    if issubclass(kind, MfaRequired):
        return kind.with_token("eyJhbGciOiJSUzI1NiIs…")
    if issubclass(kind, PaymentRequired):
        return kind.until(TOMORROW, "", "credits")
    details = [Detail("email", "Not a valid email address.")] if kind is errors.Invalid else ()
    return kind(details=details)


def _kinds(endpoint: Endpoint) -> Iterator[type[IlmError]]:
    """Yield what an endpoint may refuse with."""
    yield from _ALWAYS
    yield from endpoint.errors
    if endpoint.takes_body:
        yield from _WITH_BODY
    yield from _of_who_calls(endpoint)
    if endpoint.creates or endpoint.keyed:
        yield errors.IdempotencyMismatch
    if f"{endpoint.method} {endpoint.template}" not in Catalogued.read().exempt:
        yield errors.RateLimitExceeded
    if endpoint.permission != PUBLIC or any(map(endpoint.kind_of, endpoint.fields)):
        yield errors.NotFound


def _of_who_calls(endpoint: Endpoint) -> Iterator[type[IlmError]]:
    """Yield what an endpoint refuses with for who calls."""
    if endpoint.permission in permissions():
        yield from _WITH_CREDENTIAL
    elif endpoint.permission == ANY_PRINCIPAL:
        yield errors.Unauthorized
    elif endpoint.permission == LOGGED_IN:
        yield from (errors.Unauthorized, errors.Forbidden)
    if wants_step_up(endpoint.permission):
        yield StepUpRequired
