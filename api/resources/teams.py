"""Teams of organizations (A-26)."""

from typing import Final
from uuid import UUID

from falcon.asgi import Request, Response

from api.resources.organizations import insider_of
from api.schemas.lists import page_of
from api.schemas.organizations import TeamMemberSchema, TeamSchema
from jobs.teams import change_team, drop_team, join_team, leave_team, make_team, one_team
from models.kernel.clock import Clock
from models.kernel.ids import wire_id
from models.listings import Listing
from models.organizations import Team, TeamMember

_ONE: Final = TeamSchema()


class Teams:
    """The teams of an organization."""

    def __init__(self, clock: Clock) -> None:
        """Take the time."""
        self._clock = clock

    def on_get(self, req: Request, resp: Response, org_id: UUID) -> None:
        """List them by name."""
        insider_of(req, org_id).standing()
        resp.media = page_of(TeamSchema).dump(Listing.of(Team.of(org_id), **req.context.query))

    def on_post(self, req: Request, resp: Response, org_id: UUID) -> None:
        """Make one."""
        made = make_team(insider_of(req, org_id), req.context.body, self._clock)
        resp.media = _ONE.dump(made)
        place = f"/v1/organizations/{wire_id('org', org_id)}/teams/{wire_id('team', made.id)}"
        resp.set_header("Location", place)

    def on_get_one(self, req: Request, resp: Response, org_id: UUID, team_id: UUID) -> None:
        """Show one."""
        resp.media = _ONE.dump(one_team(insider_of(req, org_id), team_id))

    def on_patch(self, req: Request, resp: Response, org_id: UUID, team_id: UUID) -> None:
        """Change one's name or role."""
        insider = insider_of(req, org_id)
        resp.media = _ONE.dump(change_team(insider, team_id, req.context.body, self._clock))

    def on_delete(self, req: Request, _resp: Response, org_id: UUID, team_id: UUID) -> None:
        """Delete one."""
        drop_team(insider_of(req, org_id), team_id, self._clock)

    def on_get_members(self, req: Request, resp: Response, org_id: UUID, team_id: UUID) -> None:
        """List who is in one, who came first first."""
        team = one_team(insider_of(req, org_id), team_id)
        listing = Listing.of(TeamMember.of(team.id), **req.context.query)
        resp.media = page_of(TeamMemberSchema).dump(listing)

    def on_put_member(
        self, req: Request, _resp: Response, org_id: UUID, team_id: UUID, user_id: UUID
    ) -> None:
        """Put a member into one."""
        join_team(insider_of(req, org_id), team_id, user_id, self._clock)

    def on_delete_member(
        self, req: Request, _resp: Response, org_id: UUID, team_id: UUID, user_id: UUID
    ) -> None:
        """Take a member out of one."""
        leave_team(insider_of(req, org_id), team_id, user_id, self._clock)
