"""Others' API keys, for administrators: looked at and revoked, never shown (A-20, A-22)."""

from collections.abc import Callable

import pytest

from models.accounts import ApiKey
from models.kernel.ids import wire_id
from tests import factories
from tests.api.browser import Browser
from tests.api.conftest import code
from tests.api.organizations import founded, user
from tests.api.reader import Reader

pytestmark = pytest.mark.usefixtures("database")

As = Callable[[str], Reader]


@pytest.fixture
def as_(browser: Browser) -> As:
    """Make somebody of a role."""
    return lambda role: Reader(browser, factories.person(role=role))


def keys_of(reader: Reader) -> str:
    return f"/v1/admin/users/{user(reader)}/api-keys"


def only_key_of(reader: Reader) -> str:
    return f"{keys_of(reader)}/{wire_id('key', ApiKey.get(ApiKey.user == reader.person.id).id)}"


def test_an_administrator_sees_somebodys_keys_and_none_of_them_itself(
    ada: Reader, as_: As, browser: Browser
) -> None:
    house = founded(browser)
    factories.BY_TABLE["membership"](ada.person, account_id=house.account_id)
    robot = house.ask(ada, "POST", "/v1/api-keys", json={"name": "robot"}).json
    trial = ada.post("/v1/api-keys", json={"name": "trial", "mode": "test"}).json
    over = ada.post("/v1/api-keys", json={"name": "over"}).json
    ada.delete(f"/v1/api-keys/{over['id']}")

    seen = as_("admin").get(keys_of(ada))

    assert [each["name"] for each in seen.json["data"]] == ["trial", "robot", "a key"]
    assert seen.json["data"][-1]["lastUsedAt"] is not None
    assert seen.json["data"][0]["lastUsedAt"] is None
    assert all({"prefix", "scopes", "mode", "usage"} < set(each) for each in seen.json["data"])
    assert not any("key" in each for each in seen.json["data"])
    assert not any(made["key"] in seen.text for made in (robot, trial, over))


def test_the_keys_are_told_in_pages(ada: Reader, as_: As) -> None:
    for name in ("second", "third"):
        ada.post("/v1/api-keys", json={"name": name})
    admin = as_("admin")

    first = admin.get(keys_of(ada), params={"limit": "2"}).json
    rest = admin.get(keys_of(ada), params={"limit": "2", "page": "2"}).json

    assert [each["name"] for each in first["data"]] == ["third", "second"]
    assert [each["name"] for each in rest["data"]] == ["a key"]


def test_a_key_that_an_administrator_revokes_is_over_and_both_can_read_who_did(
    ada: Reader, as_: As
) -> None:
    made = ada.post("/v1/api-keys", json={"name": "lost", "scopes": ["books:read"]}).json
    admin = as_("admin")

    gone = admin.delete(f"{keys_of(ada)}/{made['id']}")

    assert gone.status_code == 204
    holder = {"X-API-Key": made["key"]}
    assert code(ada.browser.get("/v1/books", headers=holder)) == (401, "UNAUTHORIZED")
    for answer in (
        ada.get("/v1/users/me/activity"),
        admin.get(f"/v1/admin/users/{user(ada)}/audit"),
    ):
        entry = answer.json["data"][0]
        assert (entry["action"], entry["actorId"]) == ("key.revoked", user(admin))
        assert entry["details"]["key_id"] == made["id"]
        assert entry["requestId"] == gone.headers["x-request-id"]
    assert code(admin.delete(f"{keys_of(ada)}/{made['id']}")) == (404, "NOT_FOUND")


def test_a_key_of_an_organization_that_is_revoked_is_in_its_audit(
    browser: Browser, as_: As
) -> None:
    house = founded(browser)
    made = house.ask(house.owner, "POST", "/v1/api-keys", json={"name": "robot"}).json
    admin = as_("admin")

    assert admin.delete(f"{keys_of(house.owner)}/{made['id']}").status_code == 204

    entry = house.owner.get(f"{house.path}/audit").json["data"][0]
    assert (entry["action"], entry["actorId"]) == ("key.revoked", user(admin))


@pytest.mark.parametrize("target", ["admin", "super_admin"])
def test_an_administrator_touches_no_key_of_who_stands_as_high(as_: As, target: str) -> None:
    other = as_(target)

    refused = as_("admin").delete(only_key_of(other))

    assert code(refused) == (403, "INSUFFICIENT_PERMISSIONS")
    assert other.get("/v1/users/me").status_code == 200
    assert as_("super_admin").delete(only_key_of(other)).status_code == 204


def test_a_key_is_found_with_the_one_it_is_of_alone(ada: Reader, bob: Reader, as_: As) -> None:
    admin = as_("admin")
    crossed = only_key_of(ada).replace(user(ada), user(bob))
    nobodys = only_key_of(ada).replace(user(ada), wire_id("user", factories.book().id))

    for path in (crossed, nobodys):
        assert code(admin.delete(path)) == (404, "NOT_FOUND")
    assert code(admin.get(nobodys.rsplit("/", 1)[0])) == (404, "NOT_FOUND")
    assert ada.get("/v1/users/me").status_code == 200


def test_who_is_no_administrator_sees_and_revokes_nothing(ada: Reader, bob: Reader) -> None:
    for answer in (bob.get(keys_of(ada)), bob.delete(only_key_of(ada)), ada.get(keys_of(ada))):
        assert code(answer) == (403, "INSUFFICIENT_PERMISSIONS")
