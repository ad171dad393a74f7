"""The routes by which operators see how LLMs do."""

from typing import Any

from api.endpoints import Endpoint
from api.parts import Parts
from api.resources.evaluation import Experiments, Performances
from api.schemas.evaluation import ExperimentSchema, PerformanceQuery, PerformancesSchema
from models.kernel.errors import Conflict, DuplicateResource, NotFound

EXPERIMENTS = "/v1/admin/ai/experiments"


def evaluation_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints of evaluation (E-01 – E-05)."""
    experiments = Experiments(parts.clock)
    common: dict[str, Any] = {"permission": "system:admin", "tag": "Administration"}
    one: dict[str, Any] = {"answer": ExperimentSchema(), "errors": (NotFound,), **common}
    return (
        Endpoint(
            method="GET",
            path="/v1/admin/ai/performance",
            handler=Performances().on_get,
            summary="How each LLM does",
            description="Times to the first token and to the end in milliseconds, of calls that"
            " were served; tokens out for one in; the part of calls that was served; what people"
            " thought of the answers. Over all `days` and for each of them, by UTC.",
            query=PerformanceQuery(),
            answer=PerformancesSchema(),
            **common,
        ),
        Endpoint(
            method="POST",
            path=EXPERIMENTS,
            handler=experiments.on_post,
            summary="Compare two LLMs",
            description="From now on, where a caller leaves the choice to us (`auto`), `share`"
            " percent of the accounts are answered by `llmB` and the others by `llmA`. An account"
            " stays on its side. One experiment runs at a time.",
            body=ExperimentSchema(),
            answer=ExperimentSchema(),
            status=201,
            creates=True,
            errors=(Conflict, DuplicateResource),
            example={"name": "small-or-large", "llmA": "gpt-4o-mini", "llmB": "gpt-4o"},
            **common,
        ),
        Endpoint(
            method="GET",
            path=f"{EXPERIMENTS}/{{name}}",
            handler=experiments.on_get_one,
            summary="How two LLMs compare",
            **one,
        ),
        Endpoint(
            method="POST",
            path=f"{EXPERIMENTS}/{{name}}/end",
            handler=experiments.on_post_end,
            summary="End a comparison",
            **one,
        ),
    )
