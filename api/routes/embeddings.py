"""The routes beside calls: embeddings, models, moderations, counting (XC-01, XC-03)."""

from typing import Any

from api.endpoints import Endpoint
from api.examples import beside
from api.live.calls import Calls
from api.live.embeddings import CALL_SECONDS, Embeddings
from api.live.intake import Intake
from api.parts import Parts
from api.resources.wires import Moderations, TokenCounts, WireModels
from api.routes.wires import LARGEST_CALL, REFUSALS
from api.schemas.wires import Passed, WireQuery
from jobs.safety.screen import SafetyService
from jobs.wires.wires import CHAT, MESSAGES
from models.kernel import errors


def embedding_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints of the wires that are no calls of an LLM."""
    calls = Calls(parts.hub, parts.hop, parts.queue, parts.clock)
    embeddings = Embeddings(Intake(parts.queue, parts.recent), parts.planner, calls, parts.hop)
    common: dict[str, Any] = {"permission": "ai:use", "query": WireQuery()}
    return (
        Endpoint(
            method="POST",
            path="/v1/embeddings",
            handler=embeddings.on_post,
            summary="Make vectors of texts",
            description="Valid for OpenAI's own SDK. `ilm-minilm` and `ilm-hashing` run here and"
            " cost nothing. Honours `Idempotency-Key` and `on_disconnect`; takes no"
            " `X-Ilm-Provider-Key`.",
            tag="OpenAI Embeddings",
            wire=CHAT,
            body=Passed(),
            body_limit=LARGEST_CALL,
            errors=REFUSALS,
            keyed=True,
            live=True,
            seconds=int(CALL_SECONDS),
            example=beside.TO_EMBED,
            shows=beside.vectors(),
            **common,
        ),
        *_models(WireModels(parts.settings, parts.clock), common),
        Endpoint(
            method="POST",
            path="/v1/moderations",
            handler=Moderations(SafetyService()).on_post,
            summary="Judge texts",
            description="By the lexicon of this installation: local, and free.",
            tag="OpenAI Moderations",
            wire=CHAT,
            body=Passed(),
            example=beside.TO_JUDGE,
            shows=beside.verdicts(),
            **common,
        ),
        Endpoint(
            method="POST",
            path="/v1/messages/count_tokens",
            handler=TokenCounts().on_post,
            summary="Count the tokens of messages",
            description="About as the LLM would: local, and free.",
            tag="Anthropic Messages",
            wire=MESSAGES,
            body=Passed(),
            body_limit=LARGEST_CALL,
            errors=(errors.ModelNotFound,),
            example=beside.TO_COUNT,
            shows=beside.count(),
            **common,
        ),
    )


def _models(models: WireModels, common: dict[str, Any]) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            method="GET",
            path="/v1/models",
            handler=models.on_get,
            summary="List the models I may use",
            description="LLMs and embedders; in Anthropic's shape, and then LLMs alone, when"
            " `anthropic-version` is sent.",
            tag="Models",
            wire=CHAT,
            shows=beside.models(),
            **common,
        ),
        Endpoint(
            method="GET",
            path="/v1/models/{name:path}",
            handler=models.on_get_one,
            summary="Look at a model",
            tag="Models",
            wire=CHAT,
            errors=(errors.ModelNotFound,),
            shows=beside.model(),
            **common,
        ),
    )
