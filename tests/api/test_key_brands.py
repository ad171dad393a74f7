"""The brand that API keys begin with is an operator's to choose, and to change (A-17)."""

from hashlib import sha256

import pytest

from tests import factories
from tests.api.browser import Browser
from tests.api.conftest import Open, code
from tests.api.reader import Reader

pytestmark = pytest.mark.usefixtures("database")

KEYS = "/v1/api-keys"
LONGEST = "a234567890123456"


def works(browser: Browser, key: str) -> bool:
    return browser.get("/v1/users/me", headers={"X-API-Key": key}).status_code == 200


@pytest.mark.parametrize("mode", ["live", "test"])
@pytest.mark.parametrize("brand", ["ilm", "acme", "ab", LONGEST])
def test_a_key_begins_with_the_brand_and_shows_as_much_of_itself(
    open_browser: Open, brand: str, mode: str
) -> None:
    ada = Reader(open_browser(key_brand=brand))

    made = ada.post(KEYS, json={"name": "laptop", "mode": mode}).json
    turned = ada.post(f"{KEYS}/{made['id']}/rotate", json={}).json

    for each in (made, turned):
        assert each["key"].startswith(f"{brand}_{mode}_")
        assert each["prefix"] == each["key"][: len(f"{brand}_{mode}_") + 7]
        assert works(ada.browser, each["key"])


def test_keys_go_on_when_the_brand_changes(open_browser: Open) -> None:
    before = Reader(open_browser(key_brand="acme"))
    key = before.post(KEYS, json={"name": "laptop"}).json["key"]

    after = open_browser(key_brand="other")
    unbranded = open_browser()

    assert works(after, key)
    assert works(unbranded, key)
    assert code(unbranded.get("/v1/users/me", headers={"X-API-Key": f"{key}x"})) == (
        401, "UNAUTHORIZED"
    )  # fmt: skip


@pytest.mark.parametrize(
    "odd",
    ["a_live_x", f"{LONGEST}7_live_x", "Acme_live_x", "1acme_live_x", "acme_real_x", "_live_"],
)
def test_what_has_not_the_shape_of_a_key_is_none(browser: Browser, odd: str) -> None:
    factories.api_key(digest=sha256(odd.encode()).digest())

    answer = browser.get("/v1/users/me", headers={"X-API-Key": odd})
    assert code(answer) == (401, "UNAUTHORIZED")
