"""The routes of OpenAI's and Anthropic's wires (XC-01, XC-03)."""

from typing import Any, Final

from api.endpoints import Endpoint
from api.examples.calls import (
    answered,
    asked,
    cancelled_response,
    forgotten_response,
    items_of_response,
    queued_response,
    streamed,
)
from api.live.asking import Asking
from api.live.calls import Calls
from api.live.intake import Intake
from api.live.responses import ResponseRoutes
from api.live.wires import CALL_SECONDS, Desk, WireRoutes
from api.parts import Parts
from api.schemas.wires import ItemsQuery, Passed, ResumeQuery, WireQuery
from jobs.wires.wires import RESPONSES
from models.kernel import errors
from models.kernel.denials import PaymentRequired

LARGEST_CALL: Final = 32 * 2**20
REFUSALS: Final = (
    errors.ModelNotFound,
    errors.ModelNotAvailable,
    PaymentRequired,
    errors.Forbidden,
    errors.RateLimitExceeded,
    errors.ContextTooLong,
    errors.ContentBlocked,
    errors.ProviderKeyGone,
    errors.UpstreamKeyRefused,
    errors.UpstreamQuotaExceeded,
    errors.UpstreamRefused,
    errors.UpstreamError,
    errors.UpstreamRateLimited,
    errors.Cancelled,
)


def wire_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints of the wires."""
    desk = desk_of(parts)
    chat = WireRoutes(desk, "chat", "chatcmpl-")
    messages = WireRoutes(desk, "messages", "msg_")
    return (
        *_calls(chat, "/v1/chat/completions", "OpenAI Chat Completions"),
        *_calls(messages, "/v1/messages", "Anthropic Messages"),
        *_responses(ResponseRoutes(desk, parts.queue)),
    )


def desk_of(parts: Parts) -> Desk:
    """Return what the routes of the wires act through."""
    return Desk(
        asking=Asking(Intake(parts.queue, parts.recent), parts.admission),
        calls=Calls(parts.hub, parts.hop, parts.queue, parts.clock),
        hop=parts.hop,
    )


def _calls(routes: WireRoutes, path: str, tag: str) -> tuple[Endpoint, ...]:
    common: dict[str, Any] = {
        "permission": "ai:use",
        "tag": tag,
        "wire": routes.name,
        "live": True,
        "seconds": int(CALL_SECONDS),
    }
    return (
        Endpoint(
            method="POST",
            path=path,
            handler=routes.on_post,
            summary="Ask an LLM",
            description="Valid for the vendor's own SDK, for every vendor's LLM. `stream` answers"
            " with Server-Sent Events. Honours `Idempotency-Key`, `X-Ilm-Recovery`"
            " (error, continue, buffer), `X-Ilm-Fallback: off` and `on_disconnect`. With"
            " `X-Ilm-Provider-Key`, the named LLM alone is asked, with that key, free of charge.",
            body=Passed(),
            query=WireQuery(),
            body_limit=LARGEST_CALL,
            errors=REFUSALS,
            keyed=True,
            example=asked(routes.name),
            shows=answered(routes.name),
            streams=streamed(routes.name),
            **common,
        ),
        Endpoint(
            method="GET",
            path=f"{path}/{{answer}}",
            handler=routes.on_get_one,
            summary="Look at an answer, or resume its stream",
            description="With `stream=true`, the events after `starting_after` (`x_ilm.seq`).",
            query=ResumeQuery(),
            errors=(errors.NotFound, *REFUSALS),
            shows=answered(routes.name),
            streams=streamed(routes.name),
            **common,
        ),
    )


def _responses(routes: ResponseRoutes) -> tuple[Endpoint, ...]:
    common: dict[str, Any] = {
        "permission": "ai:use",
        "tag": "OpenAI Responses",
        "wire": routes.name,
        "live": True,
        "seconds": int(CALL_SECONDS),
    }
    one = {"path": "/v1/responses/{answer}", "errors": (errors.NotFound, *REFUSALS), **common}
    return (
        Endpoint(
            method="POST",
            path="/v1/responses",
            handler=routes.on_post,
            summary="Ask an LLM for a response",
            description="Valid for OpenAI's own SDK, for every vendor's LLM; `background` answers"
            " at once with a response to poll, stream, cancel or go on from.",
            body=Passed(),
            query=WireQuery(),
            body_limit=LARGEST_CALL,
            errors=(errors.ResourceDeleted, *REFUSALS),
            keyed=True,
            example=asked(RESPONSES, background=True),
            shows=queued_response(),
            streams=streamed(RESPONSES),
            **common,
        ),
        Endpoint(
            method="GET",
            handler=routes.on_get_one,
            summary="Look at a response, or resume its stream",
            query=ResumeQuery(),
            shows=answered(RESPONSES),
            streams=streamed(RESPONSES),
            **one,
        ),
        Endpoint(
            method="DELETE",
            handler=routes.on_delete_one,
            summary="Forget a response",
            description="Nobody can read it any more, as a job neither; one that is still written"
            " is cancelled. What was asked and said is purged with what is deleted of chats.",
            shows=forgotten_response(),
            **one,
        ),
        Endpoint(
            method="POST",
            handler=routes.on_post_cancel,
            summary="Cancel a response",
            shows=cancelled_response(),
            **{**one, "path": "/v1/responses/{answer}/cancel"},
        ),
        Endpoint(
            method="GET",
            handler=routes.on_get_items,
            summary="List what a response was asked with",
            query=ItemsQuery(),
            shows=items_of_response(),
            **{**one, "path": "/v1/responses/{answer}/input_items"},
        ),
    )
