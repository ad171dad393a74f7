"""The routes of rules on addresses."""

from typing import Any

from api.endpoints import Endpoint
from api.parts import Parts
from api.resources.addresses import IpRules
from api.schemas import addresses as shapes
from api.schemas.lists import page_of
from models.kernel.errors import Conflict, NotFound


def address_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints by which rules on addresses are seen, made and deleted."""
    rules = IpRules(parts.addresses, parts.settings.proxies, parts.clock)
    common: dict[str, Any] = {"permission": "system:admin", "tag": "Administration"}
    return (
        Endpoint(
            method="GET",
            path="/v1/admin/ip-rules",
            handler=rules.on_get,
            summary="List the rules on addresses",
            query=shapes.IpRuleQuery(),
            answer=page_of(shapes.IpRuleSchema),
            **common,
        ),
        Endpoint(
            method="POST",
            path="/v1/admin/ip-rules",
            handler=rules.on_post,
            summary="Let a network in, or keep it out",
            description="`global` counts for every route, `admin` for those under `/v1/admin`"
            " beside it. What is denied is refused; where anything is allowed, the rest is refused"
            " too. Every process knows of it within five seconds. A rule that would shut its maker"
            " out is refused.",
            body=shapes.IpRuleWishSchema(),
            answer=shapes.IpRuleSchema(),
            status=201,
            errors=(Conflict,),
            creates=True,
            example={"scope": "global", "action": "deny", "network": "203.0.113.0/24"},
            **common,
        ),
        Endpoint(
            method="DELETE",
            path="/v1/admin/ip-rules/{rule_id}",
            handler=rules.on_delete,
            summary="Delete a rule on addresses",
            status=204,
            errors=(NotFound, Conflict),
            **common,
        ),
    )
