"""Members of an organization: their roles, and how they come and go (A-26).

Nobody gives, takes or changes a role as high as their own; owners do with all, and one of them
always remains. Who is out is out at the next request, and the keys they made for it with them.
"""

from typing import Final
from uuid import UUID

from jobs.organizations import Insider, refuse_above
from models.accounts import ApiKey
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.errors import Conflict, NotFound
from models.organizations import (
    ADMIN,
    OWNER,
    VIEWER,
    Invitation,
    Membership,
    MemberStanding,
)

MOST_MEMBERS: Final = 1_000


def change_member(insider: Insider, user_id: UUID, role: str, clock: Clock) -> Membership:
    """Give a member another role of their own.

    Raises `NotFound`, `InsufficientPermissions` where a role is not below the actor's, `Conflict`
    for the last owner.
    """
    with database.unit():
        standing = insider.locked()
        member = member_of(insider.account_id, user_id)
        if role != member.own:
            refuse_above(standing, role, member.role)
            _keep_an_owner(member)
            Membership.give(insider.account_id, user_id, role)
            insider.note("member_changed", clock, user_id, before=member.own, after=role)
        found: Membership = (
            Membership.of(insider.account_id).where(Membership.user == user_id).get()
        )
    return found


def remove_member(insider: Insider, user_id: UUID, clock: Clock) -> None:
    """Take somebody out of an organization, or leave it; raise as `change_member` does.

    The keys they made for it end, and the invitations they sent.
    """
    is_leaving = user_id == insider.person_id
    account_id = insider.account_id
    with database.unit():
        standing = insider.locked(VIEWER if is_leaving else ADMIN)
        member = member_of(account_id, user_id)
        if not is_leaving:
            refuse_above(standing, member.role)
        _keep_an_owner(member)
        now = clock.now()
        mine = (Membership.account_id == account_id) & (Membership.user == user_id)
        Membership.delete().where(mine).execute()
        held = ApiKey.held_by(user_id, account_id).select(ApiKey.id).order_by()
        ApiKey.update(revoked_at=now).where(ApiKey.id.in_(held)).execute()
        sent = (Invitation.account_id == account_id) & (Invitation.invited_by == user_id)
        Invitation.withdraw(sent, now)
        insider.note("left" if is_leaving else "member_removed", clock, user_id, role=member.own)


def member_of(account_id: UUID, user_id: UUID) -> MemberStanding:
    """Return what somebody is in an organization; raise `NotFound` for who is no member."""
    found = MemberStanding.of(account_id, user_id)
    if found is None:
        raise NotFound("there is no such member")
    return found


def _keep_an_owner(member: MemberStanding) -> None:
    if member.own == OWNER and not Membership.owners_beside(member.account_id, member.user_id):
        raise Conflict("this is the last owner: make another one first")
