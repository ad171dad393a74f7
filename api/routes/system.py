"""The routes of the system itself: its health, and the reference."""

from typing import Any, Final

from api.endpoints import HTML, PUBLIC, Endpoint
from api.parts import Parts
from api.resources.reference import Reference
from api.schemas.system import DependencySchema, HealthSchema
from models.kernel.errors import NotFound, Unauthorized
from models.kernel.release import VERSION

PROMETHEUS: Final = "text/plain"


def health_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints that say how we are."""
    common: dict[str, Any] = {"method": "GET", "permission": PUBLIC, "live": True, "tag": "System"}
    return (
        Endpoint(
            path="/health",
            handler=parts.health.on_get,
            summary="How the service is",
            description="503 only when the database is away; degraded means reduced function.",
            answer=HealthSchema(),
            **common,
        ),
        Endpoint(
            path="/health/{dependency}",
            handler=parts.health.on_get_one,
            summary="How one dependency is",
            answer=DependencySchema(),
            errors=(NotFound,),
            **common,
        ),
    )


def metrics_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoint that says what was counted."""
    return (
        Endpoint(
            method="GET",
            path="/metrics",
            handler=parts.metrics.on_get,
            permission=PUBLIC,
            live=True,
            tag="System",
            summary="What was counted",
            description="Prometheus' text format; for this machine, or for ILM_METRICS_TOKEN.",
            media_type=PROMETHEUS,
            shows='ilm_dependency_up{dependency="database"} 1\n',
            errors=(Unauthorized,),
        ),
    )


def reference_routes(pages: Reference) -> tuple[Endpoint, ...]:
    """Return the endpoints that serve the reference."""
    common: dict[str, Any] = {"method": "GET", "permission": PUBLIC, "tag": "Reference"}
    return (
        Endpoint(
            path="/v1/openapi.json",
            handler=pages.on_get_document,
            summary="This document",
            description="OpenAPI 3.1 of every route.",
            shows={"openapi": "3.1.0", "info": {"title": "Ilm", "version": VERSION}, "paths": {}},
            **common,
        ),
        Endpoint(
            path="/docs",
            handler=pages.on_get_page,
            summary="The reference as a page",
            media_type=HTML,
            **common,
        ),
        Endpoint(
            path="/errors/{code}",
            handler=pages.on_get_error,
            summary="What an error code means",
            media_type=HTML,
            errors=(NotFound,),
            **common,
        ),
    )
