"""Test keys: what they do is the sandbox's, and what is live they leave alone (DX-08)."""

from typing import Any
from uuid import UUID

import pytest

from models.accounts import ApiKey, Person
from models.budgets import Budget
from models.kernel.ids import wire_id
from tests import factories
from tests.api.conftest import code
from tests.api.reader import Reader


@pytest.fixture
def boss(ada: Reader) -> Reader:
    """A test key of somebody who may do everything, whose factor was shown when it was made."""
    person = factories.person(role="super_admin")
    return Reader(ada.browser, person, mode="test", is_stepped_up=True)


ADMINISTERING: dict[str, tuple[str, str, dict[str, Any] | None]] = {
    "suspending": ("PATCH", "/v1/admin/users/{user}", {"status": "suspended"}),
    "reading people": ("GET", "/v1/admin/users", None),
    "adjusting": (
        "POST", "/v1/admin/billing/adjustments",
        {"user_id": "{user}", "amount_nano_usd": "1000000000", "reason": "a test"},
    ),
    "pausing": ("POST", "/v1/admin/queues/pages/pause", None),
    "making roles": ("POST", "/v1/admin/roles", {"name": "x", "permissions": []}),
    "renaming": ("PATCH", "/v1/users/me", {"name": "Somebody else"}),
    "preferring": ("PUT", "/v1/ai/preferences", {"priority": "cost"}),
    "founding": ("POST", "/v1/organizations", {"name": "Test & Co"}),
}  # fmt: skip


@pytest.mark.parametrize("name", ADMINISTERING)
def test_a_test_key_changes_nothing_that_is_live(boss: Reader, ada: Reader, name: str) -> None:
    method, path, body = ADMINISTERING[name]
    user = wire_id("user", ada.person.id)
    filled = {key: str(value).format(user=user) for key, value in (body or {}).items()}

    answer = boss.send(method, path.format(user=user), **({"json": filled} if body else {}))

    assert code(answer) == (403, "INSUFFICIENT_PERMISSIONS")


def test_a_test_key_neither_sets_nor_lifts_a_budget(ada: Reader) -> None:
    trial = Reader(ada.browser, ada.person, mode="test")
    wish = {"scope": "account", "period": "month", "amount_nano_usd": "5000000000"}
    budget = ada.post("/v1/billing/budgets", json=wish).json

    lifted = trial.delete(f"/v1/billing/budgets/{budget['id']}")
    made = trial.post("/v1/billing/budgets", json={**wish, "period": "day"})

    assert code(lifted) == code(made) == (403, "FORBIDDEN")
    assert Budget.select().count() == 1
    assert ada.delete(f"/v1/billing/budgets/{budget['id']}").status_code == 204


def key_id(reader: Reader) -> UUID:
    row: ApiKey = ApiKey.get(ApiKey.user == reader.person.id, ApiKey.mode == "live")
    return row.id


def test_a_test_key_knows_of_no_live_key(ada: Reader) -> None:
    live = wire_id("key", key_id(ada))
    trial = Reader(ada.browser, ada.person, mode="test")

    listed = trial.get("/v1/api-keys").json["data"]

    assert [each["mode"] for each in listed] == ["test"]
    for verb, path, options in (
        ("GET", f"/v1/api-keys/{live}/usage", {}),
        ("POST", f"/v1/api-keys/{live}/rotate", {"json": {}}),
        ("DELETE", f"/v1/api-keys/{live}", {}),
    ):
        assert code(trial.send(verb, path, **options)) == (404, "NOT_FOUND"), path
    assert ada.get("/v1/users/me").status_code == 200


def test_a_test_key_has_the_keys_of_the_sandbox_and_a_live_one_has_both(ada: Reader) -> None:
    trial = Reader(ada.browser, ada.person, mode="test")
    made = trial.post("/v1/api-keys", json={"name": "more", "mode": "test"}).json
    replaced = trial.post(f"/v1/api-keys/{made['id']}/rotate", json={}).json

    assert replaced["mode"] == "test"
    assert trial.delete(f"/v1/api-keys/{replaced['id']}").status_code == 204
    assert {each["mode"] for each in ada.get("/v1/api-keys").json["data"]} == {"live", "test"}
    assert ada.delete(f"/v1/api-keys/{made['id']}").status_code == 204


def test_a_test_key_does_in_the_sandbox_what_its_person_may(ada: Reader) -> None:
    trial = Reader(ada.browser, ada.person, mode="test")

    assert trial.upload().status_code == 201
    assert trial.post("/v1/chats", json={}).status_code == 201
    assert trial.get("/v1/users/me").json["id"] == wire_id("user", ada.person.id)
    assert trial.get("/v1/billing/balance").status_code == 200
    assert Person.get_by_id(ada.person.id).name == ada.person.name
