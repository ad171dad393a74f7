"""Teams of an organization: members, and a role that they have there beside their own (A-26).

A team's role is at most `admin`, and nobody makes, changes or fills a team whose role is as high as
their own; owners do with all.
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from peewee import IntegrityError

from jobs.members import member_of
from jobs.organizations import Insider, refuse_above
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.errors import Conflict, DuplicateResource, NotFound
from models.organizations import Team, TeamMember

MOST_TEAMS: Final = 200

_TAKEN: Final = "there is a team of this name already"


def make_team(insider: Insider, wish: Mapping[str, str], clock: Clock) -> Team:
    """Make a team of a `name` and a `role`.

    Raises `DuplicateResource` for a name that is taken, `InsufficientPermissions` for a role not
    below the actor's, `Conflict` when there are too many.
    """
    try:
        with database.unit():
            refuse_above(insider.locked(), wish["role"])
            if Team.of(insider.account_id).count() >= MOST_TEAMS:
                raise Conflict(f"there are {MOST_TEAMS} teams already")
            now = clock.now()
            team: Team = Team.create(account_id=insider.account_id, **wish, created_at=now)
            told = {"name": team.name, "role": team.role}
            insider.note("team_created", clock, None, team_id=team.id.hex, **told)
    except IntegrityError as error:
        raise DuplicateResource(_TAKEN) from error
    return team


def one_team(insider: Insider, team_id: UUID) -> Team:
    """Return a team of an organization somebody is in; raise `NotFound` for any other."""
    insider.standing()
    return _team(insider, team_id)


def change_team(insider: Insider, team_id: UUID, wishes: Mapping[str, str], clock: Clock) -> Team:
    """Change a team's `name` or `role`; raise as `make_team` does, and `NotFound`."""
    try:
        with database.unit():
            standing = insider.locked()
            team = _team(insider, team_id)
            refuse_above(standing, team.role, wishes.get("role", team.role))
            before = {"name": team.name, "role": team.role}
            team.name, team.role = wishes.get("name", team.name), wishes.get("role", team.role)
            team.save(only=[Team.name, Team.role])
            after = {"name": team.name, "role": team.role}
            insider.note("team_changed", clock, team_id=team.id.hex, before=before, after=after)
    except IntegrityError as error:
        raise DuplicateResource(_TAKEN) from error
    return team


def drop_team(insider: Insider, team_id: UUID, clock: Clock) -> None:
    """Delete a team; its members stay in the organization. Raises as `change_team` does."""
    with database.unit():
        standing = insider.locked()
        team = _team(insider, team_id)
        refuse_above(standing, team.role)
        team.delete_instance()
        insider.note("team_deleted", clock, team_id=team.id.hex, name=team.name, role=team.role)


def join_team(insider: Insider, team_id: UUID, user_id: UUID, clock: Clock) -> None:
    """Put a member into a team, or leave them there; raise as `change_team` does."""
    with database.unit():
        standing = insider.locked()
        team = _team(insider, team_id)
        refuse_above(standing, team.role)
        member_of(insider.account_id, user_id)
        row = {"team_id": team.id, "account_id": insider.account_id, "user": user_id}
        is_new = TeamMember.insert(**row, created_at=clock.now()).on_conflict_ignore()
        if is_new.as_rowcount().execute():
            insider.note("team_joined", clock, user_id, team_id=team.id.hex)


def leave_team(insider: Insider, team_id: UUID, user_id: UUID, clock: Clock) -> None:
    """Take a member out of a team; raise as `change_team` does, and `NotFound` for no member."""
    with database.unit():
        standing = insider.locked()
        team = _team(insider, team_id)
        refuse_above(standing, team.role)
        which = (TeamMember.team_id == team.id) & (TeamMember.user == user_id)
        if not TeamMember.delete().where(which).execute():
            raise NotFound("there is no such member of the team")
        insider.note("team_left", clock, user_id, team_id=team.id.hex)


def _team(insider: Insider, team_id: UUID) -> Team:
    team: Team | None = Team.of(insider.account_id).where(Team.id == team_id).first()
    if team is None:
        raise NotFound("there is no such team")
    return team
