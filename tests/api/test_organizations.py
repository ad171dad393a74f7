"""Organizations: who is in them, by which role, and what nobody can make of it (A-26)."""

from typing import Any

import pytest

from models.accounts import Account, ApiKey
from models.kernel.ids import new_id, wire_id
from models.people import AuditEntry
from tests import factories
from tests.api.browser import Browser
from tests.api.conftest import code
from tests.api.organizations import ALL, House, founded, user
from tests.api.reader import Reader
from tests.rows import accepted, claimed, row

pytestmark = pytest.mark.usefixtures("database")

ABOVE = (403, "INSUFFICIENT_PERMISSIONS")
NOT_THERE = (404, "NOT_FOUND")


@pytest.fixture
def house(browser: Browser) -> House:
    """An organization with an owner."""
    return founded(browser)


def test_an_organization_is_an_account_of_its_own_with_an_owner(house: House) -> None:
    assert Account.get_by_id(house.account_id).kind == "organization"
    shown = house.owner.get(house.path).json

    assert (shown["name"], shown["role"]) == ("The Reading Room", "owner")
    assert house.owner.get(ALL).json["data"] == [shown]
    members = house.owner.get(f"{house.path}/members").json["data"]
    assert [(each["userId"], each["role"]) for each in members] == [(user(house.owner), "owner")]


def test_who_is_not_in_it_does_not_learn_that_it_is(house: House, bob: Reader) -> None:
    for path in ("", "/members", "/teams", "/invitations", "/audit"):
        assert code(bob.get(house.path + path)) == NOT_THERE
        assert code(bob.get(f"{ALL}/{wire_id('org', new_id())}{path}")) == NOT_THERE
    assert code(bob.patch(house.path, json={"name": "Mine"})) == NOT_THERE
    assert code(bob.delete(house.path)) == NOT_THERE
    assert bob.get(ALL).json["data"] == []


def test_admins_rename_it_and_see_addresses_and_members_do_not(house: House) -> None:
    admin, member = house.with_("admin"), house.with_("member")

    assert admin.patch(house.path, json={"name": "The Hall"}).json["name"] == "The Hall"
    assert code(member.patch(house.path, json={"name": "Mine"})) == ABOVE
    seen = [who.get(f"{house.path}/members").json["data"] for who in (admin, member)]
    assert [len(each) for each in seen] == [3, 3]
    assert [all(one["email"] for one in each) for each in seen] == [True, False]
    assert not any(one["email"] for one in seen[1])


@pytest.mark.parametrize(
    ("actor", "target", "role"),
    [
        ("viewer", "viewer", "member"),
        ("member", "viewer", "member"),
        ("admin", "member", "admin"),
        ("admin", "viewer", "owner"),
        ("admin", "admin", "viewer"),
        ("admin", "owner", "viewer"),
    ],
)
def test_nobody_gives_or_takes_a_role_as_high_as_their_own(
    house: House, actor: str, target: str, role: str
) -> None:
    who = house.with_(actor)
    whom = house.owner if target == "owner" else house.with_(target)

    assert code(house.change(who, whom, role)) == ABOVE
    assert house.role_of(whom) == target


@pytest.mark.parametrize("role", ["viewer", "member", "admin"])
def test_nobody_raises_themselves(house: House, role: str) -> None:
    who = house.with_(role)

    assert code(house.change(who, who, "owner")) == ABOVE
    assert house.role_of(who) == role


def test_an_admin_moves_those_below_and_an_owner_everybody(house: House) -> None:
    admin, viewer = house.with_("admin"), house.with_("viewer")

    assert house.change(admin, viewer, "member").json["role"] == "member"
    assert house.change(house.owner, viewer, "admin").status_code == 200
    assert house.change(house.owner, admin, "owner").status_code == 200
    assert house.change(admin, house.owner, "viewer").status_code == 200


def test_the_last_owner_neither_leaves_nor_is_lowered(house: House) -> None:
    for answer in (
        house.change(house.owner, house.owner, "admin"),
        house.remove(house.owner, house.owner),
    ):
        assert code(answer) == (409, "CONFLICT")

    gone = house.with_("owner", status="suspended")
    assert code(house.remove(house.owner, house.owner)) == (409, "CONFLICT")
    assert house.remove(house.owner, gone).status_code == 204

    house.with_("owner")
    assert house.remove(house.owner, house.owner).status_code == 204
    assert code(house.owner.get(house.path)) == NOT_THERE


def test_a_member_leaves_and_nobody_below_takes_others_out(house: House) -> None:
    member, other, admin = house.with_("member"), house.with_("viewer"), house.with_("admin")

    assert code(house.remove(member, other)) == ABOVE
    assert code(house.remove(admin, house.with_("admin"))) == ABOVE
    assert code(house.remove(admin, house.owner)) == ABOVE
    assert house.remove(member, member).status_code == 204
    assert house.remove(admin, other).status_code == 204
    assert code(house.remove(admin, other)) == NOT_THERE


def test_an_organization_is_handed_over_to_a_member_alone(house: House, bob: Reader) -> None:
    heir = house.with_("viewer")
    place = f"{house.path}/transfer"

    assert code(heir.post(place, json={"userId": user(heir)})) == ABOVE
    assert code(house.owner.post(place, json={"userId": user(bob)})) == NOT_THERE
    assert code(house.owner.post(place, json={"userId": user(house.owner)})) == (409, "CONFLICT")

    assert house.owner.post(place, json={"userId": user(heir)}).json["role"] == "admin"
    assert house.role_of(heir) == "owner"
    assert code(house.change(house.owner, heir, "viewer")) == ABOVE


def test_only_an_owner_deletes_it_and_then_nobody_reaches_it(house: House, bob: Reader) -> None:
    admin = house.with_("admin")
    key = house.ask(admin, "POST", "/v1/api-keys", json={"name": "robot"}).json["key"]
    book = house.ask(admin, "GET", house.owner.book(account_id=house.account_id))
    shown = house.owner.book(account_id=house.account_id, visibility="public")
    assert (book.status_code, bob.get(shown).status_code) == (200, 200)
    assert code(admin.delete(house.path)) == ABOVE

    assert house.owner.delete(house.path).status_code == 204

    for who in (house.owner, admin):
        assert code(who.get(house.path)) == NOT_THERE
        assert code(house.ask(who, "GET", "/v1/books")) == NOT_THERE
    assert code(bob.get(shown)) == (404, "RESOURCE_DELETED")
    made_for_it = ApiKey.account == house.account_id
    assert ApiKey.select().where(made_for_it, ApiKey.revoked_at.is_null()).count() == 0
    robot = {"Authorization": f"Bearer {key}"}
    assert code(admin.browser.get("/v1/books", headers=robot)) == (401, "UNAUTHORIZED")


def test_what_it_has_under_way_ends_with_it(house: House, ada: Reader) -> None:
    queued, claim, others = accepted(house.account_id), claimed(house.account_id), ada.account_id
    elsewhere = accepted(others)

    house.owner.delete(house.path)

    assert row(queued.id).state == "cancelled"
    assert row(claim.id).cancel_requested_at is not None
    assert row(elsewhere.id).state == "queued"


@pytest.mark.parametrize("deed", ["delete", "transfer"])
def test_an_owner_with_a_second_factor_shows_it_first(house: House, deed: str) -> None:
    factories.factor(house.owner.person)
    sure = Reader(house.browser, house.owner.person, is_stepped_up=True)
    heir = house.with_("admin")

    def do(who: Reader) -> Any:
        if deed == "delete":
            return who.delete(house.path)
        return who.post(f"{house.path}/transfer", json={"userId": user(heir)})

    assert code(do(house.owner)) == (403, "STEP_UP_REQUIRED")
    assert do(sure).status_code in {200, 204}


def test_a_team_lends_its_role_to_its_members(house: House) -> None:
    viewer = house.with_("viewer")
    teams = f"{house.path}/teams"
    made = house.owner.post(teams, json={"name": "Editors", "role": "admin"})
    team = f"{teams}/{made.json['id']}"
    assert (made.status_code, made.headers["location"]) == (201, team)

    assert house.owner.send("PUT", f"{team}/members/{user(viewer)}").status_code == 204
    assert house.owner.send("PUT", f"{team}/members/{user(viewer)}").status_code == 204
    assert house.role_of(viewer) == "admin"
    assert viewer.get(f"{team}/members").json["data"][0]["userId"] == user(viewer)
    assert viewer.patch(house.path, json={"name": "Ours"}).status_code == 200

    assert house.owner.patch(team, json={"role": "member"}).json["role"] == "member"
    assert house.role_of(viewer) == "member"
    assert house.owner.delete(f"{team}/members/{user(viewer)}").status_code == 204
    assert house.role_of(viewer) == "viewer"
    assert code(house.owner.delete(f"{team}/members/{user(viewer)}")) == NOT_THERE


def test_a_team_is_never_more_than_an_admin(house: House) -> None:
    teams = f"{house.path}/teams"

    wish = {"name": "Kings", "role": "owner"}
    assert code(house.owner.post(teams, json=wish)) == (400, "VALIDATION_ERROR")


def test_who_is_below_edits_no_team_and_an_admin_none_of_admins(house: House) -> None:
    teams = f"{house.path}/teams"
    admin, member = house.with_("admin"), house.with_("member")
    team = f"{teams}/{house.owner.post(teams, json={'name': 'A', 'role': 'admin'}).json['id']}"
    low = f"{teams}/{admin.post(teams, json={'name': 'B', 'role': 'viewer'}).json['id']}"

    for who, path in ((member, low), (member, team), (admin, team)):
        assert code(who.patch(path, json={"name": "C"})) == ABOVE
        assert code(who.delete(path)) == ABOVE
        assert code(who.send("PUT", f"{path}/members/{user(member)}")) == ABOVE
    assert code(member.post(teams, json={"name": "D", "role": "viewer"})) == ABOVE
    assert code(admin.post(teams, json={"name": "D", "role": "admin"})) == ABOVE
    assert code(admin.patch(low, json={"role": "admin"})) == ABOVE
    taken = admin.post(teams, json={"name": "A", "role": "viewer"})
    assert code(taken) == (409, "DUPLICATE_RESOURCE")
    assert code(admin.patch(low, json={"name": "A"})) == (409, "DUPLICATE_RESOURCE")
    assert [each["name"] for each in member.get(teams).json["data"]] == ["A", "B"]
    assert admin.delete(low).status_code == 204


def test_an_admin_by_a_team_is_not_moved_by_another_admin(house: House) -> None:
    teams = f"{house.path}/teams"
    viewer, admin = house.with_("viewer"), house.with_("admin")
    team = house.owner.post(teams, json={"name": "A", "role": "admin"}).json["id"]
    house.owner.send("PUT", f"{teams}/{team}/members/{user(viewer)}")

    assert code(house.change(admin, viewer, "member")) == ABOVE
    assert code(house.remove(admin, viewer)) == ABOVE


def test_a_stranger_is_in_no_team_and_who_goes_is_out_of_them(house: House, bob: Reader) -> None:
    teams, member = f"{house.path}/teams", house.with_("member")
    team = f"{teams}/{house.owner.post(teams, json={'name': 'A', 'role': 'admin'}).json['id']}"
    assert code(house.owner.send("PUT", f"{team}/members/{user(bob)}")) == NOT_THERE

    house.owner.send("PUT", f"{team}/members/{user(member)}")
    house.remove(house.owner, member)

    assert house.owner.get(f"{team}/members").json["data"] == []


def test_a_team_of_another_organization_is_not_there(house: House, browser: Browser) -> None:
    other = founded(browser)
    theirs = other.owner.post(f"{other.path}/teams", json={"name": "A", "role": "viewer"})
    path = f"{house.path}/teams/{theirs.json['id']}"

    for answer in (
        house.owner.get(path),
        house.owner.patch(path, json={"name": "Mine"}),
        house.owner.delete(path),
        house.owner.send("PUT", f"{path}/members/{user(house.owner)}"),
    ):
        assert code(answer) == NOT_THERE


def test_nobody_owns_more_than_twenty(browser: Browser) -> None:
    owner = founded(browser).owner
    for number in range(19):
        assert owner.post(ALL, json={"name": f"House {number}"}).status_code == 201

    assert code(owner.post(ALL, json={"name": "One more"})) == (409, "CONFLICT")


def test_who_may_only_read_makes_no_organization(browser: Browser) -> None:
    viewer = Reader(browser, factories.person(role="viewer"))

    assert code(viewer.post(ALL, json={"name": "Mine"})) == ABOVE


def test_what_is_done_in_it_is_written_down(house: House) -> None:
    member = house.with_("member")
    house.change(house.owner, member, "viewer")
    house.remove(house.owner, member)

    seen = house.owner.get(f"{house.path}/audit").json["data"]

    assert [(each["action"], each["userId"]) for each in seen] == [
        ("organization.member_removed", user(member)),
        ("organization.member_changed", user(member)),
        ("organization.created", user(house.owner)),
    ]
    assert seen[1]["details"] == {"before": "member", "after": "viewer"}
    assert code(house.with_("member").get(f"{house.path}/audit")) == ABOVE
    assert AuditEntry.in_account(house.owner.account_id).count() == 0
