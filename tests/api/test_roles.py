"""Roles that administrators make, and what they cannot be made to do (A-21, X-3)."""

from collections.abc import Callable
from typing import Any

import pytest

from models.kernel.ids import wire_id
from models.people import AuditEntry
from models.roles import permissions_of
from tests import factories
from tests.api.browser import Browser
from tests.api.conftest import code
from tests.api.reader import Reader

pytestmark = pytest.mark.usefixtures("database")

ROLES = "/v1/admin/roles"
SUPPORT = {"name": "support", "permissions": ["profile:read", "users:admin"]}
As = Callable[..., Reader]


@pytest.fixture
def as_(browser: Browser) -> As:
    """Make somebody of a role."""

    def made(role: str, tier: str = "free", **key: Any) -> Reader:
        return Reader(browser, factories.person(role=role, tier=tier), **key)

    return made


def user(reader: Reader) -> str:
    return f"/v1/admin/users/{wire_id('user', reader.person.id)}"


def test_a_role_is_made_given_and_holds_at_once(as_: As, ada: Reader) -> None:
    chief = as_("super_admin")

    made = chief.post(ROLES, json={**SUPPORT, "description": "Looks after people"})

    assert (made.status_code, made.headers["location"]) == (201, f"{ROLES}/support")
    assert made.json == {**SUPPORT, "description": "Looks after people", "builtIn": False}
    assert chief.get(f"{ROLES}/support").json == made.json

    assert code(ada.get("/v1/admin/users")) == (403, "INSUFFICIENT_PERMISSIONS")
    given = chief.patch(user(ada), json={"role": "support"})
    assert (given.status_code, given.json["role"]) == (200, "support")
    assert ada.get("/v1/admin/users").status_code == 200
    assert ada.get("/v1/books").status_code == 403


def test_a_change_of_a_role_holds_at_the_next_request(as_: As) -> None:
    chief = as_("super_admin")
    chief.post(ROLES, json=SUPPORT)
    holder = as_("support")
    assert holder.get("/v1/admin/users").status_code == 200

    changed = chief.patch(f"{ROLES}/support", json={"permissions": ["profile:read"]})

    assert changed.json["permissions"] == ["profile:read"]
    assert holder.get("/v1/users/me").status_code == 200
    assert code(holder.get("/v1/admin/users")) == (403, "INSUFFICIENT_PERMISSIONS")


def test_roles_are_listed_the_catalogues_first_and_page_by_page(as_: As) -> None:
    chief = as_("super_admin")
    chief.post(ROLES, json=SUPPORT)

    first = chief.get(f"{ROLES}?limit=6").json
    second = chief.get(f"{ROLES}?limit=6&page=2").json

    assert [each["name"] for each in first["data"]] == [
        "viewer", "user", "premium", "moderator", "admin", "super_admin",
    ]  # fmt: skip
    assert all(each["builtIn"] and each["description"] for each in first["data"])
    assert [each["name"] for each in second["data"]] == ["support"]
    assert second["pagination"]["total"] == 7


def test_the_catalogues_roles_are_read_only(as_: As) -> None:
    chief = as_("super_admin")

    assert chief.get(f"{ROLES}/user").json["builtIn"] is True
    assert code(chief.patch(f"{ROLES}/user", json={"description": "x"})) == (409, "CONFLICT")
    assert code(chief.delete(f"{ROLES}/user")) == (409, "CONFLICT")
    taken = chief.post(ROLES, json={**SUPPORT, "name": "user"})
    assert code(taken) == (409, "DUPLICATE_RESOURCE")


def test_a_role_somebody_has_is_not_deleted(as_: As, ada: Reader) -> None:
    chief = as_("super_admin")
    chief.post(ROLES, json=SUPPORT)
    chief.patch(user(ada), json={"role": "support"})

    assert code(chief.delete(f"{ROLES}/support")) == (409, "CONFLICT")

    chief.patch(user(ada), json={"role": "user"})
    assert chief.delete(f"{ROLES}/support").status_code == 204
    assert code(chief.get(f"{ROLES}/support")) == (404, "NOT_FOUND")
    assert code(chief.delete(f"{ROLES}/support")) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    "wish",
    [
        {"name": "support", "permissions": ["users:admin"]},
        {"name": "king", "permissions": ["everything"]},
        {"name": "king", "permissions": []},
        {"name": "King", "permissions": ["books:read"]},
        {"name": "k\n", "permissions": ["books:read"]},
    ],
    ids=["taken", "unknown permission", "no permission", "odd name", "odd end"],
)
def test_an_odd_role_is_refused(as_: As, wish: dict[str, Any]) -> None:
    chief = as_("super_admin")
    chief.post(ROLES, json=SUPPORT)

    assert chief.post(ROLES, json=wish).status_code in {400, 409}
    assert chief.get(ROLES).json["pagination"]["total"] == 7


def test_nobody_gives_a_role_what_they_do_not_carry(as_: As) -> None:
    keeper = as_("super_admin", scopes=["roles:admin", "books:read"])

    more = keeper.post(ROLES, json={"name": "more", "permissions": ["billing:admin"]})
    assert code(more) == (403, "INSUFFICIENT_PERMISSIONS")

    assert (
        keeper.post(ROLES, json={"name": "less", "permissions": ["books:read"]}).status_code == 201
    )
    raised = keeper.patch(f"{ROLES}/less", json={"permissions": ["users:admin"]})
    assert code(raised) == (403, "INSUFFICIENT_PERMISSIONS")


def test_a_role_that_carries_more_is_not_touched_either(as_: As) -> None:
    as_("super_admin").post(ROLES, json=SUPPORT)
    keeper = as_("super_admin", scopes=["roles:admin"])

    for answer in (
        keeper.patch(f"{ROLES}/support", json={"permissions": ["roles:admin"]}),
        keeper.delete(f"{ROLES}/support"),
    ):
        assert code(answer) == (403, "INSUFFICIENT_PERMISSIONS")


def test_who_has_a_role_cannot_raise_it_or_themselves(as_: As, ada: Reader) -> None:
    chief = as_("super_admin")
    mine = ["profile:read", "roles:admin", "users:admin"]
    chief.post(ROLES, json={"name": "keeper", "permissions": mine})
    keeper = as_("keeper")

    raised = keeper.patch(f"{ROLES}/keeper", json={"permissions": [*mine, "billing:admin"]})
    crowned = keeper.patch(user(ada), json={"role": "super_admin"})
    sacked = keeper.patch(user(chief), json={"status": "suspended"})

    for answer in (raised, crowned, sacked):
        assert code(answer) == (403, "INSUFFICIENT_PERMISSIONS")


def test_an_administrator_gives_no_role_that_carries_more(as_: As, ada: Reader) -> None:
    as_("super_admin").post(ROLES, json={"name": "keeper", "permissions": ["roles:admin"]})
    admin = as_("admin")

    assert code(admin.patch(user(ada), json={"role": "keeper"}))[0] == 403
    assert code(admin.patch(user(as_("keeper")), json={"tier": "premium"}))[0] == 403
    assert code(admin.get(ROLES)) == (403, "INSUFFICIENT_PERMISSIONS")


@pytest.mark.parametrize("role", ["nothing", "premium"])
def test_a_role_nobody_can_have_is_given_to_nobody(as_: As, ada: Reader, role: str) -> None:
    answer = as_("super_admin").patch(user(ada), json={"role": role})

    assert code(answer) == (400, "VALIDATION_ERROR")


def test_what_is_done_to_roles_is_written_down(as_: As) -> None:
    chief = as_("super_admin")
    chief.post(ROLES, json=SUPPORT)
    chief.patch(f"{ROLES}/support", json={"description": "new"})
    chief.delete(f"{ROLES}/support")

    seen = AuditEntry.about(chief.person.id)

    assert [each.action for each in seen] == ["role.deleted", "role.changed", "role.created"]
    assert {each.actor_id for each in seen} == {chief.person.id}


@pytest.mark.parametrize(
    ("role", "tier", "held"),
    [
        ("user", "free", "user"),
        ("user", "premium", "premium"),
        ("user", "enterprise", "premium"),
        ("premium", "free", "user"),
        ("viewer", "premium", "viewer"),
        ("moderator", "premium", "moderator"),
    ],
)
def test_premium_is_held_exactly_while_the_tier_is_paid(
    as_: As, role: str, tier: str, held: str
) -> None:
    somebody = as_(role, tier)

    assert somebody.get("/v1/users/me").json["role"] == held
    may_write = somebody.post("/v1/chats", json={"title": "A"}).status_code != 403
    assert may_write == ("chats:write" in permissions_of(held))
