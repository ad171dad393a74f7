"""The routes of organizations, their members and invitations; teams are beside this file."""

from typing import Any, Final

from api.endpoints import Endpoint
from api.parts import Parts
from api.resources.invitations import Inviting
from api.resources.organizations import Members, Organizations
from api.routes.teams import team_routes
from api.schemas import organizations as shapes
from api.schemas.lists import page_of
from jobs.invitations import Invitations, Tokens
from jobs.mail import Mailroom
from models.kernel.denials import StepUpRequired
from models.kernel.errors import (
    Conflict,
    DuplicateResource,
    Forbidden,
    InsufficientPermissions,
    NotFound,
)
from models.kernel.secrets import open_secrets

TAG: Final = "Organizations"
ALL: Final = "/v1/organizations"
ONE: Final = f"{ALL}/{{org_id}}"

_READ: Final[dict[str, Any]] = {"permission": "organizations:read", "tag": TAG}
_WRITE: Final[dict[str, Any]] = {"permission": "organizations:write", "tag": TAG}
_INSIDE: Final = (NotFound, InsufficientPermissions)


def organization_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints of organizations."""
    organizations = Organizations(parts.queue, parts.clock)
    tokens = Tokens(open_secrets(parts.settings))
    invitations = Invitations(tokens, Mailroom(parts.queue), parts.clock)
    inviting = Inviting(invitations, parts.settings.proxies, parts.clock)
    return (
        *_all(organizations),
        *_one(organizations),
        *_owners(organizations),
        *_members(Members(parts.clock)),
        *_invitations(inviting),
        *_acceptance(inviting),
        *team_routes(parts),
    )


def _all(organizations: Organizations) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            method="POST",
            path=ALL,
            handler=organizations.on_post,
            summary="Make an organization",
            description="It has an account of its own: its own credits, books, chats and jobs. Who"
            " makes it owns it; send `X-Organization` to act for it.",
            body=shapes.OrganizationWishSchema(),
            answer=shapes.OrganizationSchema(),
            status=201,
            errors=(Forbidden, Conflict),
            creates=True,
            example={"name": "The Reading Room"},
            **_WRITE,
        ),
        Endpoint(
            method="GET",
            path=ALL,
            handler=organizations.on_get,
            summary="List my organizations",
            description="With one's own role in each; a single one is shown with that of one's"
            " teams too.",
            query=shapes.OrganizationQuery(),
            answer=page_of(shapes.OrganizationSchema),
            **_READ,
        ),
    )


def _one(organizations: Organizations) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            method="GET",
            path=ONE,
            handler=organizations.on_get_one,
            summary="Look at an organization",
            answer=shapes.OrganizationSchema(),
            errors=(NotFound,),
            **_READ,
        ),
        Endpoint(
            method="PATCH",
            path=ONE,
            handler=organizations.on_patch,
            summary="Rename an organization",
            body=shapes.OrganizationWishSchema(),
            answer=shapes.OrganizationSchema(),
            errors=_INSIDE,
            example={"name": "The Reading Room"},
            **_WRITE,
        ),
        Endpoint(
            method="GET",
            path=f"{ONE}/audit",
            handler=organizations.on_get_audit,
            summary="What was done in an organization, and by whom",
            description="For its admins.",
            query=shapes.OrganizationQuery(),
            answer=page_of(shapes.OrganizationAuditSchema),
            errors=_INSIDE,
            **_READ,
        ),
    )


def _owners(organizations: Organizations) -> tuple[Endpoint, ...]:
    wants = "Who has a second factor has to have shown it in the last 15 minutes."
    return (
        Endpoint(
            method="POST",
            path=f"{ONE}/transfer",
            handler=organizations.on_post_transfer,
            summary="Hand an organization over",
            description=f"Another member owns it, and who did is an admin. {wants}",
            body=shapes.HeirSchema(),
            answer=shapes.OrganizationSchema(),
            errors=(*_INSIDE, StepUpRequired, Conflict),
            example={"userId": f"user_{'0' * 32}"},
            **_WRITE,
        ),
        Endpoint(
            method="DELETE",
            path=ONE,
            handler=organizations.on_delete,
            summary="Delete an organization",
            description=f"Nobody reaches what it owns from then on; its keys end. {wants}",
            status=204,
            errors=(*_INSIDE, StepUpRequired),
            **_WRITE,
        ),
    )


def _members(members: Members) -> tuple[Endpoint, ...]:
    one: dict[str, Any] = {"path": f"{ONE}/members/{{user_id}}", **_WRITE}
    change: dict[str, Any] = {"errors": (*_INSIDE, Conflict), **one}
    return (
        Endpoint(
            method="GET",
            path=f"{ONE}/members",
            handler=members.on_get,
            summary="List the members of an organization",
            query=shapes.OrganizationQuery(),
            answer=page_of(shapes.MemberSchema),
            errors=(NotFound,),
            **_READ,
        ),
        Endpoint(
            method="PATCH",
            handler=members.on_patch,
            summary="Give a member another role",
            description="Nobody gives, takes or changes a role as high as their own, but owners."
            " One owner always remains.",
            body=shapes.MemberChangeSchema(),
            answer=shapes.MemberSchema(),
            example={"role": "admin"},
            **change,
        ),
        Endpoint(
            method="DELETE",
            handler=members.on_delete,
            summary="Take a member out, or leave",
            description="At once, with the keys they made for the organization.",
            status=204,
            **change,
        ),
    )


def _invitations(inviting: Inviting) -> tuple[Endpoint, ...]:
    path = f"{ONE}/invitations"
    return (
        Endpoint(
            method="POST",
            path=path,
            handler=inviting.on_post,
            summary="Invite somebody by mail",
            description="What the mail carries is good once, for seven days, for whoever logs in"
            " with that address. It replaces an earlier one.",
            body=shapes.InvitationWishSchema(),
            answer=shapes.InvitationSchema(),
            status=201,
            errors=(*_INSIDE, DuplicateResource, Conflict),
            creates=True,
            example={"email": "colleague@example.org", "role": "member"},
            **_WRITE,
        ),
        Endpoint(
            method="GET",
            path=path,
            handler=inviting.on_get,
            summary="List the open invitations",
            description="For the organization's admins.",
            query=shapes.OrganizationQuery(),
            answer=page_of(shapes.InvitationSchema),
            errors=_INSIDE,
            **_READ,
        ),
        Endpoint(
            method="DELETE",
            path=f"{path}/{{invitation_id}}",
            handler=inviting.on_delete,
            summary="Withdraw an invitation",
            status=204,
            errors=_INSIDE,
            names={"invitation_id": "inv"},
            **_WRITE,
        ),
    )


def _acceptance(inviting: Inviting) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            method="POST",
            path=f"{ALL}/invitations/accept",
            handler=inviting.on_post_accept,
            summary="Accept an invitation",
            description="By the token of a mail that came to one's own address.",
            body=shapes.AcceptanceSchema(),
            answer=shapes.OrganizationSchema(),
            errors=(Forbidden, Conflict),
            example={"token": "rPQ1…"},
            **_WRITE,
        ),
    )
