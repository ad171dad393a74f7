"""The routes of limits on requests."""

from typing import Any

from api.endpoints import Endpoint
from api.parts import Parts
from api.resources.limits import AdminLimits
from api.schemas import limits as shapes
from models.kernel.errors import NotFound


def limit_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints by which administrators see and set limits."""
    limits = AdminLimits(parts.limits)
    common: dict[str, Any] = {"permission": "system:admin", "tag": "Administration"}
    one: dict[str, Any] = {"path": "/v1/admin/limits/{kind}/{subject}", **common}
    return (
        Endpoint(
            method="GET",
            path="/v1/admin/limits",
            handler=limits.on_get,
            summary="The limits on requests",
            answer=shapes.LimitsSchema(),
            **common,
        ),
        Endpoint(
            method="PUT",
            handler=limits.on_put,
            summary="Set a limit",
            description="For `user` or `user-ai` (`user_…`), `key` (`key_…`), `tier` or `tier-ai`"
            " (its name), `route` (its operationId; for each user, and for each address without"
            " a credential), `anonymous` or `address` (`each`), or `global` (`all`). Every process"
            " knows of it within five seconds.",
            body=shapes.LimitWish(),
            answer=shapes.LimitSchema(),
            example={"perMinute": 500},
            **one,
        ),
        Endpoint(
            method="DELETE",
            handler=limits.on_delete,
            summary="Lift a limit",
            description="The usual limit holds again.",
            status=204,
            errors=(NotFound,),
            **one,
        ),
    )
