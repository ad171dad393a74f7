"""Factories of organizations, and of who is in them."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from models.accounts import Person
from models.kernel.ids import new_id
from models.organizations import Invitation, Membership, Organization, Team, TeamMember
from tests.login_factories import LATER, NOW, digest
from tests.making import account, made, numbers, person


def organization(**given: Any) -> Organization:
    """An organization nobody is in."""
    usual = {"id": account(kind="organization").id, "name": f"Organization {next(numbers)}"}
    return made(Organization, {**usual, "created_at": NOW, "updated_at": NOW, **given})


def membership(of: Person | None = None, **given: Any) -> Membership:
    """Somebody who may write in an organization."""
    usual = {"user": (of or person()).id, "role": "member", "created_at": NOW}
    in_ = {} if "account_id" in given else {"account_id": organization().id}
    return made(Membership, {**usual, **in_, **given}, "user")


def team(**given: Any) -> Team:
    """A team of nobody."""
    in_ = {} if "account_id" in given else {"account_id": organization().id}
    usual = {"id": new_id(), "name": f"Team {next(numbers)}", "role": "member", "created_at": NOW}
    return made(Team, {**usual, **in_, **given})


def team_member(of: Team | None = None, user_id: UUID | None = None) -> TeamMember:
    """Somebody in a team; a new member of its organization unless one is given."""
    where = of or team()
    who = user_id or membership(account_id=where.account_id).user_id
    usual = {"team_id": where.id, "account_id": where.account_id, "user": who, "created_at": NOW}
    return made(TeamMember, usual, "user")


def invitation(**given: Any) -> Invitation:
    """An invitation to an address nobody has, for a while."""
    in_ = {} if "account_id" in given else {"account_id": organization().id}
    usual = {
        "id": new_id(),
        "email": f"invited{next(numbers)}@example.org",
        "role": "member",
        "digest": digest(),
        "invited_by": person().id,
        "created_at": NOW,
        "expires_at": LATER,
    }
    return made(Invitation, {**usual, **in_, **given})


BY_TABLE: Final[Mapping[str, Callable[[], Any]]] = {
    "organization": organization,
    "membership": membership,
    "team": team,
    "team_member": team_member,
    "invitation": invitation,
}
