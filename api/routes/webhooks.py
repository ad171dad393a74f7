"""The routes of webhooks."""

from typing import Any, Final

from api.endpoints import Endpoint
from api.parts import Parts
from api.resources.webhook_log import WebhookLog
from api.resources.webhook_tools import WebhookTools
from api.resources.webhooks import MyWebhooks
from api.routes.webhook_tools import TAG, log_routes, tool_routes
from api.schemas import webhooks as shapes
from api.schemas.lists import page_of
from jobs.webhooks.again import Repeats
from jobs.webhooks.debugging import Debugger
from jobs.webhooks.echo import echo_url
from jobs.webhooks.endpoints import Endpoints
from models.kernel.errors import Conflict, NotFound
from models.kernel.http import Egress
from models.kernel.secrets import open_secrets

MANY: Final = "/v1/webhooks"
ONE: Final = f"{MANY}/{{wh_id}}"


def webhook_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints of webhooks."""
    settings = parts.settings
    seals, echo = open_secrets(settings), echo_url(settings)
    endpoints = Endpoints(Egress(settings.reachable), seals, parts.clock, echo=echo)
    mine = MyWebhooks(endpoints)
    debugger = Debugger(seals, parts.clock, settings.webhook_signature_header)
    tools = WebhookTools(Repeats(endpoints, parts.queue, parts.clock), debugger, echo)
    return (
        *_many(mine), *_one(mine), *_acts(mine), *log_routes(ONE, WebhookLog(parts.clock)),
        *tool_routes(ONE, tools),
    )  # fmt: skip


def _many(mine: MyWebhooks) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            method="POST",
            path=MANY,
            handler=mine.on_post,
            permission="webhooks:write",
            summary="Register a webhook",
            description="Every event of a type that `events` names (`book.*`, `*`), and that passes"
            " `filter`, is posted to the address and signed, until it answers 2xx. The secret is"
            " shown only in this answer.",
            tag=TAG,
            status=201,
            body=shapes.WebhookWishSchema(),
            answer=shapes.NewWebhookSchema(),
            errors=(Conflict,),
            creates=True,
            example={"url": "https://integrator.example/ilm", "events": ["book.*"]},
        ),
        Endpoint(
            method="GET",
            path=MANY,
            handler=mine.on_get,
            permission="webhooks:read",
            summary="My webhooks",
            tag=TAG,
            query=shapes.WebhookQuery(),
            answer=page_of(shapes.WebhookSchema),
        ),
    )


def _one(mine: MyWebhooks) -> tuple[Endpoint, ...]:
    common: dict[str, Any] = {"path": ONE, "tag": TAG, "errors": (NotFound,)}
    return (
        Endpoint(
            method="GET",
            handler=mine.on_get_one,
            permission="webhooks:read",
            summary="Look at a webhook",
            answer=shapes.WebhookSchema(),
            **common,
        ),
        Endpoint(
            method="PATCH",
            handler=mine.on_patch,
            permission="webhooks:write",
            summary="Change a webhook",
            description="One that is enabled again is told at once of what has happened meanwhile,"
            ' the oldest first, at its rate; `"backlog": "skip"` drops that.',
            body=shapes.WebhookChangeSchema(),
            answer=shapes.WebhookSchema(),
            example={"events": ["book.created", "job.*"], "rateLimitPerSecond": 20},
            **common,
        ),
        Endpoint(
            method="DELETE",
            handler=mine.on_delete,
            permission="webhooks:write",
            summary="Delete a webhook",
            description="With its secrets, its log and what waits for it.",
            status=204,
            **common,
        ),
    )


def _acts(mine: MyWebhooks) -> tuple[Endpoint, ...]:
    common: dict[str, Any] = {
        "method": "POST", "permission": "webhooks:write", "tag": TAG, "errors": (NotFound,),
    }  # fmt: skip
    return (
        Endpoint(
            path=f"{ONE}/rotate-secret",
            handler=mine.on_post_rotate,
            summary="Give a webhook another secret",
            description="Both sign until the overlap is over: exchange the secret at your side"
            " meanwhile. The new one is shown only in this answer.",
            body=shapes.SecretRotationSchema(),
            answer=shapes.NewWebhookSchema(),
            example={"overlapSeconds": 3_600},
            **common,
        ),
        Endpoint(
            path=f"{ONE}/ping",
            handler=mine.on_post_ping,
            summary="Send a webhook a ping",
            description="A `webhook.ping` that no other webhook is told of, before all that waits,"
            " as soon as the webhook is sent to; see its delivery.",
            answer=shapes.PingSchema(),
            status=202,
            **common,
        ),
    )
