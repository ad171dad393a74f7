"""Leaving: access ends at once, and can be given back until the purge (A-33)."""

from datetime import timedelta

import pytest

from jobs.departures import GRACE
from jobs.leaving import leave
from jobs.people import Actor, change
from models.accounts import ApiKey, Person
from models.kernel.denials import AccountDeleted, AccountLocked, StepUpRequired
from models.kernel.errors import Conflict, Unauthorized
from models.oauth import Authorization
from models.people import AuditEntry
from tests import factories
from tests.jobs.logins import EMAIL, HOME, PASSWORD, STRANGER, WRONG, House, attempts
from tests.making import person
from tests.oauth_factories import oauth_authorization

ADMIN = frozenset({"users:admin", "roles:admin"})


@pytest.fixture
def house(queue):
    return House(queue)


def test_who_leaves_is_out_at_once_and_purged_after_the_grace(house):
    opened = house.login()
    key = factories.api_key(house.ada)
    app = oauth_authorization(user=house.ada.id, redeemed_at=house.clock.now())

    gone = leave(house.bearer(opened), PASSWORD, HOME, house.clock)

    assert gone.purge_at == house.clock.now() + GRACE
    assert timedelta(days=14) == GRACE
    with pytest.raises(Unauthorized):
        house.logins.refresh(opened.refresh_token, HOME)
    assert ApiKey.get_by_id(key.id).revoked_at is not None
    assert Authorization.get_by_id(app.id).ended_at is not None
    (entry,) = AuditEntry.about(house.ada.id)
    assert (entry.action, entry.actor_id, entry.request_id) == (
        "user.left", house.ada.id, HOME.request_id
    )  # fmt: skip


def test_logging_in_is_refused_with_words_to_who_knows_the_password_alone(house):
    leave(house.bearer(house.login()), PASSWORD, HOME, house.clock)

    with pytest.raises(AccountDeleted, match="until then an administrator can bring it back"):
        house.login()
    assert house.refused() is Unauthorized
    assert attempts("action", "outcome")[-2:] == [("login", "deleted"), ("login", "wrong")]


def test_who_is_suspended_learns_nothing(house):
    Person.update(status="suspended").execute()

    assert house.refused(PASSWORD) is Unauthorized


def test_a_wrong_password_deletes_nothing_and_five_lock(house):
    opened = house.login()
    for _ in range(5):
        with pytest.raises(Unauthorized):
            leave(house.bearer(opened), WRONG, STRANGER, house.clock)

    with pytest.raises(AccountLocked):
        leave(house.bearer(opened), PASSWORD, STRANGER, house.clock)
    assert Person.by_email(EMAIL).is_active
    assert house.login()


def test_who_has_a_second_factor_shows_that(house):
    opened = house.login()
    factories.factor(house.ada, confirmed_at=house.clock.now())

    with pytest.raises(StepUpRequired):
        leave(house.bearer(opened), PASSWORD, HOME, house.clock)

    assert leave(house.bearer(opened, is_stepped_up=True), "", HOME, house.clock).is_leaving


def test_the_last_super_admin_stays(house):
    opened = house.login()
    Person.update(role="super_admin").where(Person.id == house.ada.id).execute()
    with pytest.raises(Conflict):
        leave(house.bearer(opened), PASSWORD, HOME, house.clock)

    person(role="super_admin")

    assert leave(house.bearer(opened), PASSWORD, HOME, house.clock).is_leaving


def test_an_administrator_brings_them_back(house):
    leave(house.bearer(house.login()), PASSWORD, HOME, house.clock)
    admin = Actor(person_id=person(role="super_admin").id, permissions=ADMIN)

    change(house.ada.id, {"status": "active"}, admin, house.clock)

    assert Person.by_email(EMAIL).purge_at is None
    assert house.login()


def test_nobody_comes_back_from_a_purge(house):
    leave(house.bearer(house.login()), PASSWORD, HOME, house.clock)
    Person.update(purged_at=house.clock.now()).where(Person.id == house.ada.id).execute()
    admin = Actor(person_id=person(role="super_admin").id, permissions=ADMIN)

    with pytest.raises(Conflict):
        change(house.ada.id, {"status": "active"}, admin, house.clock)
    assert Person.by_id(house.ada.id).status == "deleted"


def test_who_an_administrator_deletes_leaves_the_same_way(house):
    admin = Actor(person_id=person(role="super_admin").id, permissions=ADMIN)

    change(house.ada.id, {"status": "deleted"}, admin, house.clock)

    assert Person.by_id(house.ada.id).purge_at == house.clock.now() + GRACE
    with pytest.raises(AccountDeleted):
        house.login()
