"""The routes of roles."""

from typing import Any

from api.endpoints import Endpoint
from api.parts import Parts
from api.resources.roles import Roles
from api.schemas import roles as shapes
from api.schemas.lists import page_of
from models.kernel.errors import Conflict, DuplicateResource, NotFound


def role_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints by which roles are seen, made, changed and deleted."""
    roles = Roles(parts.clock)
    common: dict[str, Any] = {"permission": "roles:admin", "tag": "Administration"}
    one: dict[str, Any] = {"path": "/v1/admin/roles/{name}", **common}
    return (
        Endpoint(
            method="GET",
            path="/v1/admin/roles",
            handler=roles.on_get,
            summary="List roles",
            query=shapes.RoleQuery(),
            answer=page_of(shapes.RoleSchema),
            **common,
        ),
        Endpoint(
            method="POST",
            path="/v1/admin/roles",
            handler=roles.on_post,
            summary="Make a role",
            description="Of permissions that its maker carries too. It is then given to people at"
            " `/v1/admin/users/{user_id}`.",
            body=shapes.NewRoleSchema(),
            answer=shapes.RoleSchema(),
            status=201,
            errors=(DuplicateResource, Conflict),
            creates=True,
            example={"name": "support", "permissions": ["profile:read", "users:admin"]},
            **common,
        ),
        Endpoint(
            method="GET",
            handler=roles.on_get_one,
            summary="Look at a role",
            answer=shapes.RoleSchema(),
            errors=(NotFound,),
            **one,
        ),
        Endpoint(
            method="PATCH",
            handler=roles.on_patch,
            summary="Change a role",
            description="Holds from the next request of everybody who has it. The catalogue's"
            " roles stay as they are.",
            body=shapes.RoleChangeSchema(),
            answer=shapes.RoleSchema(),
            errors=(NotFound, Conflict),
            example={"description": "Looks after people"},
            **one,
        ),
        Endpoint(
            method="DELETE",
            handler=roles.on_delete,
            summary="Delete a role that nobody has",
            status=204,
            errors=(NotFound, Conflict),
            **one,
        ),
    )
