"""API keys of an organization: what they open, in whose name, and until when (A-17, A-26)."""

from collections.abc import Callable
from typing import Any

import pytest
from falcon.testing import Result

from models.organizations import Membership
from tests import factories
from tests.api.browser import Browser
from tests.api.conftest import code
from tests.api.organizations import ALL, House, founded
from tests.api.reader import Reader

pytestmark = pytest.mark.usefixtures("database")

NOT_THERE = (404, "NOT_FOUND")


@pytest.fixture
def house(browser: Browser) -> House:
    """An organization with an owner."""
    return founded(browser)


def key_of(house: House, who: Reader, **wish: Any) -> Callable[..., Result]:
    """Have somebody make a key for the organization; return what asks with it."""
    made = house.ask(who, "POST", "/v1/api-keys", json={"name": "robot", **wish})
    assert made.status_code == 201
    robot = {"Authorization": f"Bearer {made.json['key']}"}

    def ask(method: str, path: str, **options: Any) -> Result:
        headers = {**robot, **options.pop("headers", {})}
        return house.browser.request(method, path, headers=headers, **options)

    return ask


def test_a_key_made_for_it_is_its_own(house: House) -> None:
    ada = house.with_("member")
    robot = key_of(house, ada)

    made = robot("POST", "/v1/chats", json={"title": "A"}).json["id"]

    assert house.ask(house.owner, "GET", f"/v1/chats/{made}").status_code == 200
    assert code(ada.get(f"/v1/chats/{made}")) == NOT_THERE
    assert [each["name"] for each in house.ask(ada, "GET", "/v1/api-keys").json["data"]] == [
        "robot"
    ]
    assert "robot" not in [each["name"] for each in ada.get("/v1/api-keys").json["data"]]


def test_a_key_of_it_is_for_no_other(house: House, browser: Browser) -> None:
    other = founded(browser)
    robot = key_of(house, house.owner)
    factories.BY_TABLE["membership"](house.owner.person, account_id=other.account_id)

    assert robot("GET", "/v1/books", headers={"X-Organization": house.id}).status_code == 200
    assert code(robot("GET", "/v1/books", headers={"X-Organization": other.id})) == NOT_THERE
    assert code(robot("GET", other.path)) == NOT_THERE
    assert [each["id"] for each in robot("GET", ALL).json["data"]] == [house.id]


def test_a_key_of_it_makes_keys_of_it_and_does_nothing_in_its_makers_name(house: House) -> None:
    robot = key_of(house, house.owner)

    made = robot("POST", "/v1/api-keys", json={"name": "another"}).json["id"]
    turned = robot("POST", f"/v1/api-keys/{made}/rotate", json={}).json["key"]
    headers = {"Authorization": f"Bearer {turned}"}
    chat = house.browser.post("/v1/chats", headers=headers, json={"title": "A"}).json["id"]

    assert house.ask(house.owner, "GET", f"/v1/chats/{chat}").status_code == 200
    assert code(robot("POST", ALL, json={"name": "Mine"})) == (403, "FORBIDDEN")
    token = {"token": "x"}
    accepted = robot("POST", f"{ALL}/invitations/accept", json=token)
    assert code(accepted) == (403, "FORBIDDEN")
    assert robot("PATCH", "/v1/users/me", json={"name": "Robot"}).status_code == 403


@pytest.mark.parametrize("how", ["removed", "left", "demoted"])
def test_a_key_of_it_holds_while_its_maker_is_in_it(house: House, how: str) -> None:
    ada = house.with_("member")
    robot = key_of(house, ada)
    assert robot("POST", "/v1/chats", json={"title": "A"}).status_code == 201

    if how == "demoted":
        house.change(house.owner, ada, "viewer")
        assert robot("GET", "/v1/chats").status_code == 200
        assert robot("POST", "/v1/chats", json={"title": "A"}).status_code == 403
        return
    house.remove(house.owner if how == "removed" else ada, ada)
    assert code(robot("GET", "/v1/chats")) == (401, "UNAUTHORIZED")

    factories.BY_TABLE["membership"](ada.person, account_id=house.account_id)
    assert code(robot("GET", "/v1/chats")) == (401, "UNAUTHORIZED")


def test_a_key_whose_maker_is_gone_does_not_hold_though_nobody_revoked_it(house: House) -> None:
    ada = house.with_("member")
    robot = key_of(house, ada)

    Membership.delete().where(Membership.user == ada.person.id).execute()

    assert code(robot("GET", "/v1/chats")) == (401, "UNAUTHORIZED")


def test_a_personal_key_with_scopes_has_no_more_for_it(house: House) -> None:
    ada = house.with_("admin")
    narrow = Reader(house.browser, ada.person, scopes=["books:read"])

    assert house.ask(narrow, "GET", "/v1/books").status_code == 200
    assert house.ask(narrow, "POST", "/v1/chats", json={"title": "A"}).status_code == 403
