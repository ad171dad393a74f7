"""Invitations into organizations (A-26)."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from falcon.asgi import Request, Response

from api.origins import origin_of
from api.resources.organizations import insider_of, oneself
from api.schemas.lists import page_of
from api.schemas.organizations import InvitationSchema, OrganizationSchema
from jobs.invitations import Invitations
from jobs.organizations import Insider, organization
from models.kernel.clock import Clock
from models.kernel.settings import Network
from models.listings import Listing
from models.organizations import ADMIN, Invitation

_ONE: Final = InvitationSchema()


class Inviting:
    """Invitations: sent, seen, withdrawn and accepted."""

    def __init__(self, invitations: Invitations, proxies: Sequence[Network], clock: Clock) -> None:
        """Take what invites, our proxies, and the time."""
        self._invitations = invitations
        self._proxies = proxies
        self._clock = clock

    def on_post(self, req: Request, resp: Response, org_id: UUID) -> None:
        """Invite an address."""
        body = req.context.body
        made = self._invitations.invite(insider_of(req, org_id), body["email"], body["role"])
        resp.media = _ONE.dump(made)

    def on_get(self, req: Request, resp: Response, org_id: UUID) -> None:
        """List the open ones, newest first."""
        insider_of(req, org_id).standing(ADMIN)
        rows = Invitation.open_of(org_id, self._clock.now())
        resp.media = page_of(InvitationSchema).dump(Listing.of(rows, **req.context.query))

    def on_delete(self, req: Request, _resp: Response, org_id: UUID, invitation_id: UUID) -> None:
        """Withdraw one."""
        self._invitations.withdraw(insider_of(req, org_id), invitation_id)

    def on_post_accept(self, req: Request, resp: Response) -> None:
        """Become a member."""
        actor = oneself(req)
        joined = self._invitations.accept(
            req.context.body["token"], actor, origin_of(req, self._proxies)
        )
        _, standing = organization(Insider(actor=actor, account_id=joined.id))
        resp.media = {**OrganizationSchema().dump(joined), "role": standing.role}
