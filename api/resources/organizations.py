"""Organizations and who is in them (A-26)."""

from typing import Final
from uuid import UUID

from falcon.asgi import Request, Response

from api.principals import Principal
from api.resources.people import actor_of
from api.schemas import organizations as shapes
from api.schemas.lists import page_of
from jobs.audit import Actor
from jobs.members import change_member, remove_member
from jobs.organizations import (
    Insider,
    close,
    hand_over,
    make_organization,
    organization,
    rename,
)
from jobs.queue import Queue
from models.kernel.clock import Clock
from models.kernel.errors import Forbidden, NotFound
from models.kernel.ids import wire_id
from models.listings import Listing
from models.organizations import ADMIN, Membership, Organization, rank
from models.people import AuditEntry

_ONE: Final = shapes.OrganizationSchema()
_MEMBER: Final = shapes.MemberSchema()
_MEMBERS: Final = page_of(shapes.MemberSchema)


class Organizations:
    """The organizations that who calls is in."""

    def __init__(self, queue: Queue, clock: Clock) -> None:
        """Take what stops jobs, and the time."""
        self._queue = queue
        self._clock = clock

    def on_post(self, req: Request, resp: Response) -> None:
        """Make one; who makes it owns it."""
        made = make_organization(req.context.body["name"], oneself(req), self._clock)
        resp.media = {**_ONE.dump(made), "role": "owner"}
        resp.set_header("Location", f"/v1/organizations/{wire_id('org', made.id)}")

    def on_get(self, req: Request, resp: Response) -> None:
        """List them, newest first; acting for one, that one alone."""
        principal: Principal = req.context.principal
        rows = Organization.of(principal.user_id)
        if principal.organization_id is not None:
            rows = rows.where(Organization.id == principal.organization_id)
        listing = Listing.of(rows, **req.context.query)
        data = [{**_ONE.dump(each), "role": each.membership.role} for each in listing.data]
        resp.media = {**page_of(shapes.OrganizationSchema).dump(listing), "data": data}

    def on_get_one(self, req: Request, resp: Response, org_id: UUID) -> None:
        """Show one."""
        _show(req, resp, org_id)

    def on_patch(self, req: Request, resp: Response, org_id: UUID) -> None:
        """Call one otherwise."""
        rename(insider_of(req, org_id), req.context.body["name"], self._clock)
        _show(req, resp, org_id)

    def on_delete(self, req: Request, _resp: Response, org_id: UUID) -> None:
        """End one."""
        close(insider_of(req, org_id), self._queue, self._clock)

    def on_post_transfer(self, req: Request, resp: Response, org_id: UUID) -> None:
        """Hand one over to another member."""
        hand_over(insider_of(req, org_id), req.context.body["user_id"], self._clock)
        _show(req, resp, org_id)

    def on_get_audit(self, req: Request, resp: Response, org_id: UUID) -> None:
        """List what was done in one, newest first."""
        insider_of(req, org_id).standing(ADMIN)
        rows = AuditEntry.in_account(org_id)
        listing = Listing.of(rows, **req.context.query)
        resp.media = page_of(shapes.OrganizationAuditSchema).dump(listing)


class Members:
    """Who is in an organization."""

    def __init__(self, clock: Clock) -> None:
        """Take the time."""
        self._clock = clock

    def on_get(self, req: Request, resp: Response, org_id: UUID) -> None:
        """List them, who came first first; their addresses for admins."""
        standing = insider_of(req, org_id).standing()
        told = _MEMBERS.dump(Listing.of(Membership.of(org_id), **req.context.query))
        if rank(standing.role) < rank(ADMIN):
            told["data"] = [{**each, "email": None} for each in told["data"]]
        resp.media = told

    def on_patch(self, req: Request, resp: Response, org_id: UUID, user_id: UUID) -> None:
        """Give a member another role."""
        role = req.context.body["role"]
        resp.media = _MEMBER.dump(
            change_member(insider_of(req, org_id), user_id, role, self._clock)
        )

    def on_delete(self, req: Request, _resp: Response, org_id: UUID, user_id: UUID) -> None:
        """Take a member out, or leave."""
        remove_member(insider_of(req, org_id), user_id, self._clock)


def insider_of(req: Request, org_id: UUID) -> Insider:
    """Return who calls, as somebody in an organization.

    Raises `NotFound` for any but the one they act for, if they act for one.
    """
    principal: Principal = req.context.principal
    if principal.organization_id not in {None, org_id}:
        raise NotFound("there is no such organization")
    return Insider(actor=actor_of(req), account_id=org_id, is_stepped_up=principal.is_stepped_up)


def oneself(req: Request) -> Actor:
    """Return who calls; raise `Forbidden` for who acts for an organization."""
    if req.context.principal.organization_id is not None:
        raise Forbidden("this is not done for an organization: do it as yourself")
    return actor_of(req)


def _show(req: Request, resp: Response, org_id: UUID) -> None:
    found, standing = organization(insider_of(req, org_id))
    resp.media = {**_ONE.dump(found), "role": standing.role}
