"""The routes of operators."""

from typing import Any

from api.endpoints import Endpoint
from api.resources.queues import Queues
from api.schemas.queues import QueueSchema, QueuesSchema
from models.kernel.errors import NotFound


def admin_routes() -> tuple[Endpoint, ...]:
    """Return the endpoints of operators."""
    queues = Queues()
    common: dict[str, Any] = {"permission": "system:admin", "tag": "Administration"}
    one: dict[str, Any] = {"answer": QueueSchema(), "errors": (NotFound,), **common}
    return (
        Endpoint(
            method="GET",
            path="/v1/admin/queues",
            handler=queues.on_get,
            summary="How full the queues are",
            answer=QueuesSchema(),
            **common,
        ),
        Endpoint(
            method="POST",
            path="/v1/admin/queues/{name}/pause",
            handler=queues.on_post_pause,
            summary="Pause a queue",
            description="What runs goes on; what comes is accepted and waits.",
            **one,
        ),
        Endpoint(
            method="POST",
            path="/v1/admin/queues/{name}/resume",
            handler=queues.on_post_resume,
            summary="Resume a queue",
            **one,
        ),
    )
