"""The routes by which operators see who lives, and help what does not heal by itself."""

from typing import Any

from api.endpoints import Endpoint
from api.examples.jobs import queued
from api.parts import Parts
from api.resources.repairs import Repairs, Services
from api.schemas import repairs as shapes
from api.schemas.jobs import JobSchema
from jobs.pages.generate import GeneratePages
from models.kernel.denials import PaymentRequired
from models.kernel.errors import Conflict, NotFound


def repair_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints of repairs."""
    repairs = Repairs(parts.workshop)
    common: dict[str, Any] = {"permission": "system:admin", "tag": "Administration"}
    return (
        Endpoint(
            method="GET",
            path="/v1/admin/services",
            handler=Services(parts.registry).on_get,
            summary="The processes that live",
            description="Those heard of within the last 15 seconds, as this process knows them.",
            answer=shapes.ServicesSchema(),
            **common,
        ),
        Endpoint(
            method="POST",
            path="/v1/admin/jobs/{failed_job}/retry",
            handler=repairs.on_post_retry,
            summary="Do a failed job again",
            description="As a new job of the same account, with the same input.",
            answer=JobSchema(),
            shows=queued(GeneratePages.name),
            status=202,
            names={"failed_job": "job"},
            errors=(NotFound, Conflict, PaymentRequired),
            **common,
        ),
        Endpoint(
            method="GET",
            path="/v1/admin/breakers",
            handler=repairs.on_get_breakers,
            summary="The breakers of the LLMs",
            answer=shapes.BreakersSchema(),
            **common,
        ),
        Endpoint(
            method="POST",
            path="/v1/admin/breakers/reset",
            handler=repairs.on_post_reset,
            summary="Close a breaker",
            description="The LLM is asked again at once, by every process.",
            body=shapes.CircuitSchema(),
            answer=shapes.BreakerSchema(),
            errors=(NotFound,),
            example={"vendor": "openai", "model": "gpt-4o-mini"},
            **common,
        ),
    )
