"""The routes of a webhook's log, and of what its receiver works with (H-06, H-10, H-11)."""

from typing import Any, Final

from api.endpoints import Endpoint
from api.resources.webhook_log import WebhookLog
from api.resources.webhook_tools import WebhookTools
from api.schemas import webhook_log as logs
from api.schemas import webhook_tools as shapes
from api.schemas.jobs import JobSchema
from api.schemas.lists import page_of
from api.schemas.wire import EXAMPLE_MOMENT
from models.kernel.errors import Conflict, NotFound, RateLimitExceeded

TAG: Final = "Webhooks"


def log_routes(path: str, log: WebhookLog) -> tuple[Endpoint, ...]:
    """Return the endpoints of the delivery log of the webhook at a path."""
    common: dict[str, Any] = {"tag": TAG, "errors": (NotFound,)}
    reads: dict[str, Any] = {"method": "GET", "permission": "webhooks:read", **common}
    return (
        Endpoint(
            path=f"{path}/deliveries",
            handler=log.on_get,
            summary="What was delivered, and what was not",
            description="The newest first. `eventType` are whole types, separated by commas.",
            query=logs.DeliveryQuery(),
            answer=page_of(logs.DeliverySchema),
            **reads,
        ),
        Endpoint(
            path=f"{path}/deliveries/{{delivery_id}}",
            handler=log.on_get_one,
            summary="Look at a delivery",
            description="With its event and every attempt: what was sent, what came back. Needs the"
            " permission that reads its type of event, too.",
            answer=logs.DeliveryWholeSchema(),
            **reads,
        ),
        Endpoint(
            method="POST",
            path=f"{path}/deliveries/{{delivery_id}}/resend",
            handler=log.on_post_resend,
            permission="webhooks:write",
            summary="Deliver an event once more",
            description="Where it went before, with the same `webhook-id`, before all that waits,"
            " as soon as the webhook is sent to; it keeps to no order. Answers the new delivery.",
            answer=shapes.ResentSchema(),
            status=202,
            **common,
        ),
        Endpoint(
            path=f"{path}/stats",
            handler=log.on_get_stats,
            summary="How a webhook does",
            description="Of deliveries made `since` then, of the last day without it.",
            query=logs.WebhookStatsQuery(),
            answer=logs.WebhookStatsSchema(),
            **reads,
        ),
    )


def tool_routes(path: str, tools: WebhookTools) -> tuple[Endpoint, ...]:
    """Return the endpoints of the tools of the webhook at a path, and of the sandbox's receiver."""
    common: dict[str, Any] = {"method": "POST", "permission": "webhooks:write", "tag": TAG}
    job: dict[str, Any] = {
        "answer": JobSchema(), "status": 202, "keyed": True,
        "errors": (NotFound, Conflict, RateLimitExceeded), **common,
    }  # fmt: skip
    return (
        Endpoint(
            path=f"{path}/recover",
            handler=tools.on_post_recover,
            summary="Deliver what has not arrived",
            description="Every event since then that this webhook wants and that was not delivered"
            " to it: given up, skipped, or from before it was there. However many; a job with"
            " progress, which may be cancelled: what it has made by then is delivered all the"
            " same.",
            body=shapes.RecoverySchema(),
            example={"since": EXAMPLE_MOMENT},
            **job,
        ),
        Endpoint(
            path=f"{path}/replay",
            handler=tools.on_post_replay,
            summary="Deliver past events again",
            description="Every event of the span that this webhook wants, delivered or not, with"
            " the `webhook-id` it had; to `url` if it is given, signed by the same secrets and with"
            " the headers of this webhook. A job with progress, which may be cancelled.",
            body=shapes.ReplaySchema(),
            example={"since": EXAMPLE_MOMENT, "url": "https://staging.integrator.example/ilm"},
            **job,
        ),
        Endpoint(
            path=f"{path}/debug-signature",
            handler=tools.on_post_debug,
            summary="Explain a signature",
            description="Give the headers and the body as you received them. Answers the bytes that"
            " are signed, the signatures that the secrets make of them, whether those given hold,"
            " and, when not, where the body first differs from what was sent, and which of the"
            " usual mistakes it looks like.",
            body=shapes.SuspectSchema(),
            answer=shapes.FindingSchema(),
            errors=(NotFound,),
            **common,
        ),
        Endpoint(
            method="GET",
            path="/v1/sandbox/echo",
            handler=tools.on_get_echo,
            permission="webhooks:read",
            summary="What the sandbox's receiver was sent",
            description="Register `url` with a test key: what is delivered there is verified and"
            " answered by ourselves. The newest 20 of the last day; with a live key there is none.",
            tag=TAG,
            answer=shapes.EchoesSchema(),
        ),
    )
