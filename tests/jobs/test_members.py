"""Two owners at once: one of them always remains (A-26)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from jobs.audit import Actor
from jobs.members import change_member, remove_member
from jobs.organizations import Insider
from models.kernel.clock import SystemClock
from models.kernel.database import Pool
from models.kernel.errors import Conflict
from models.organizations import OWNER, Membership
from models.roles import permissions
from tests.organization_factories import membership

ROUNDS = 5
CLOCK = SystemClock()

Deed = Callable[[Insider], object]


def lower(one: Insider) -> None:
    change_member(one, one.person_id, "viewer", CLOCK)


def leave(one: Insider) -> None:
    remove_member(one, one.person_id, CLOCK)


@pytest.mark.parametrize("deed", [lower, leave])
def test_of_two_owners_who_go_at_once_one_remains(database: Pool, deed: Deed) -> None:
    for _ in range(ROUNDS):
        first = membership(role=OWNER)
        people = [first.user_id, membership(account_id=first.account_id, role=OWNER).user_id]
        insiders = [
            Insider(
                actor=Actor(person_id=each, permissions=permissions()), account_id=first.account_id
            )
            for each in people
        ]

        assert sorted(at_once(deed, insiders)) == [False, True]
        owners = (Membership.account_id == first.account_id) & (Membership.role == OWNER)
        assert Membership.select().where(owners).count() == 1


def at_once(deed: Deed, insiders: list[Insider]) -> list[bool]:
    """Have each do something together; say who succeeded."""
    barrier = Barrier(len(insiders))

    def do(one: Insider) -> bool:
        barrier.wait()
        try:
            deed(one)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(len(insiders)) as pool:
        return list(pool.map(do, insiders))
