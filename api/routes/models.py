"""The routes of the LLMs themselves."""

from api.endpoints import Endpoint
from api.parts import Parts
from api.resources.models import Models
from api.schemas.models import ModelsSchema


def model_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints that list LLMs (M-32)."""
    return (
        Endpoint(
            method="GET",
            path="/v1/ai/models",
            handler=Models(parts.settings, parts.clock).on_get,
            permission="ai:use",
            summary="List the LLMs and what they cost",
            description="`accessible` says whether you may use one now: your tier allows it, and"
            " its vendor is configured here. With a test key all are, free. Costs are the"
            " vendor's own, in USD per million tokens; what is charged is `markupPercent` more.",
            answer=ModelsSchema(),
            tag="AI",
        ),
    )
