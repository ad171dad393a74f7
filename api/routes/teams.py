"""The routes of teams."""

from typing import Any

from api.endpoints import Endpoint
from api.parts import Parts
from api.resources.teams import Teams
from api.schemas import organizations as shapes
from api.schemas.lists import page_of
from models.kernel.errors import Conflict, DuplicateResource, InsufficientPermissions, NotFound


def team_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints of teams."""
    teams = Teams(parts.clock)
    return (*_teams(teams), *_one(teams), *_members(teams))


def _teams(teams: Teams) -> tuple[Endpoint, ...]:
    common: dict[str, Any] = {"path": "/v1/organizations/{org_id}/teams", "tag": "Organizations"}
    return (
        Endpoint(
            method="GET",
            handler=teams.on_get,
            permission="organizations:read",
            summary="List the teams of an organization",
            query=shapes.OrganizationQuery(),
            answer=page_of(shapes.TeamSchema),
            errors=(NotFound,),
            **common,
        ),
        Endpoint(
            method="POST",
            handler=teams.on_post,
            permission="organizations:write",
            summary="Make a team",
            description="Its members have its role beside their own; the higher one counts.",
            body=shapes.TeamWishSchema(),
            answer=shapes.TeamSchema(),
            status=201,
            errors=(NotFound, InsufficientPermissions, DuplicateResource, Conflict),
            creates=True,
            example={"name": "Editors", "role": "member"},
            **common,
        ),
    )


def _one(teams: Teams) -> tuple[Endpoint, ...]:
    common: dict[str, Any] = {
        "path": "/v1/organizations/{org_id}/teams/{team_id}",
        "tag": "Organizations",
    }
    return (
        Endpoint(
            method="GET",
            handler=teams.on_get_one,
            permission="organizations:read",
            summary="Look at a team",
            answer=shapes.TeamSchema(),
            errors=(NotFound,),
            **common,
        ),
        Endpoint(
            method="PATCH",
            handler=teams.on_patch,
            permission="organizations:write",
            summary="Change a team's name or role",
            body=shapes.TeamChangeSchema(),
            answer=shapes.TeamSchema(),
            errors=(NotFound, InsufficientPermissions, DuplicateResource),
            example={"role": "viewer"},
            **common,
        ),
        Endpoint(
            method="DELETE",
            handler=teams.on_delete,
            permission="organizations:write",
            summary="Delete a team",
            description="Its members stay in the organization.",
            status=204,
            errors=(NotFound, InsufficientPermissions),
            **common,
        ),
    )


def _members(teams: Teams) -> tuple[Endpoint, ...]:
    path = "/v1/organizations/{org_id}/teams/{team_id}/members"
    one: dict[str, Any] = {
        "path": f"{path}/{{user_id}}",
        "permission": "organizations:write",
        "tag": "Organizations",
        "status": 204,
        "errors": (NotFound, InsufficientPermissions),
    }
    return (
        Endpoint(
            method="GET",
            path=path,
            handler=teams.on_get_members,
            permission="organizations:read",
            summary="List the members of a team",
            tag="Organizations",
            query=shapes.OrganizationQuery(),
            answer=page_of(shapes.TeamMemberSchema),
            errors=(NotFound,),
        ),
        Endpoint(
            method="PUT",
            handler=teams.on_put_member,
            summary="Put a member into a team",
            **one,
        ),
        Endpoint(
            method="DELETE",
            handler=teams.on_delete_member,
            summary="Take a member out of a team",
            **one,
        ),
    )
