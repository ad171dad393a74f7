"""Which credentials hold: told of many at once as every request is told of its own (A-06)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.accounts import Person
from models.kernel.database import Pool
from models.kernel.ids import new_id
from models.standings import Held, holding
from tests.factories import api_key, login_session, oauth_authorization
from tests.making import person
from tests.organization_factories import membership

NOW = datetime(2026, 11, 21, tzinfo=UTC)
IDLE = timedelta(hours=8)
PAST, LATER = NOW - timedelta(days=1), NOW + timedelta(days=1)

Make = Callable[..., Held]


def by_login(who: Person, **given: Any) -> Held:
    row = login_session(who, **{"rotated_at": NOW, "expires_at": LATER, **given})
    return Held(kind="session", id=row.id, person_id=who.id)


def by_key(who: Person, **given: Any) -> Held:
    return Held(kind="api_key", id=api_key(who, **given).id, person_id=who.id)


def by_app(who: Person, **given: Any) -> Held:
    usual = {"user": who.id, "expires_at": LATER}
    return Held(kind="oauth", id=oauth_authorization(**{**usual, **given}).id, person_id=who.id)


def by_issuer(who: Person, **_: Any) -> Held:
    return Held(kind="issuer", id=None, person_id=who.id)


every_kind = pytest.mark.parametrize("make", [by_login, by_key, by_app, by_issuer])


@every_kind
def test_what_nobody_ended_holds(database: Pool, make: Make) -> None:
    held = [make(person()) for _ in range(3)]

    assert holding(held, IDLE, NOW) == set(held)


@pytest.mark.parametrize(
    ("make", "ended"),
    [
        (by_login, {"ended_at": PAST}),
        (by_login, {"expires_at": NOW}),
        (by_login, {"rotated_at": NOW - IDLE}),
        (by_key, {"revoked_at": PAST}),
        (by_key, {"expires_at": NOW}),
        (by_app, {"ended_at": PAST}),
        (by_app, {"expires_at": NOW}),
    ],
)
def test_what_ended_does_not_and_takes_nothing_with_it(
    database: Pool, make: Make, ended: dict[str, Any]
) -> None:
    who = person()
    gone, stays = make(who, **ended), make(who)

    assert holding([gone, stays], IDLE, NOW) == {stays}


@every_kind
def test_nothing_of_who_is_not_active_holds(database: Pool, make: Make) -> None:
    assert holding([make(person(status="suspended"))], IDLE, NOW) == set()


@every_kind
def test_what_was_never_there_does_not_hold(database: Pool, make: Make) -> None:
    made = make(person())
    gone = Held(kind=made.kind, id=new_id(), person_id=new_id())

    assert holding([gone], IDLE, NOW) == set()


def test_a_grant_that_ended_ends_what_came_of_it(database: Pool) -> None:
    held = by_app(person())
    database.rows("update oauth_grant set ended_at = now()")

    assert holding([held], IDLE, NOW) == set()


def test_who_acts_for_an_organization_does_so_while_they_are_in_it(database: Pool) -> None:
    who = person()
    place = membership(who).account_id
    alone = by_login(who)
    acting = Held(kind="session", id=alone.id, person_id=who.id, organization_id=place)
    assert holding([alone, acting], IDLE, NOW) == {alone, acting}

    database.rows("delete from membership where user_id = %s", (str(who.id),))
    assert holding([alone, acting], IDLE, NOW) == {alone}


def test_nothing_of_an_organization_that_is_deleted_holds(database: Pool) -> None:
    who = person()
    place = membership(who).account_id
    login = by_login(who)
    acting = Held(kind="session", id=login.id, person_id=who.id, organization_id=place)
    database.rows("update organization set deleted_at = now()")

    assert holding([acting], IDLE, NOW) == set()


def test_of_nobody_nothing_holds(database: Pool) -> None:
    assert holding([], IDLE, NOW) == set()
