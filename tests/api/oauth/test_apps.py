"""Apps: registered, changed and deleted by who owns them, and by nobody else (A-15)."""

import pytest

from models.oauth import App
from models.people import AuditEntry
from tests.api.conftest import PASSWORD, address, code, make_key
from tests.api.oauth.actors import BACK, bearer, registered

pytestmark = pytest.mark.usefixtures("database")

WISH = {"name": "A reader", "redirectUris": [BACK], "scopes": ["openid"]}


@pytest.fixture
def app(browser, me):
    return registered(browser, me).told


@pytest.fixture
def stranger(browser):
    body = {"email": address(), "password": PASSWORD}
    browser.post("/v1/auth/register", json=body)
    return bearer(browser.post("/v1/auth/login", json=body).json["access_token"])


def register(browser, me, **wish):
    return browser.post("/v1/oauth/apps", headers=me, json={**WISH, **wish})


def path_of(app):
    return f"/v1/oauth/apps/{app['id']}"


def test_a_secret_is_shown_once_and_not_kept(browser, me, app):
    listed = browser.get("/v1/oauth/apps", headers=me).json["data"]
    one = browser.get(path_of(app), headers=me).json

    assert app["clientSecret"].startswith("ils_")
    assert [each["clientId"] for each in listed] == [app["clientId"]]
    assert "clientSecret" not in one
    assert app["clientSecret"].encode() not in bytes(App.get().secret_digest)


def test_a_public_app_has_no_secret(browser, me):
    app = register(browser, me, clientType="public").json

    assert (app["clientSecret"], app["clientType"]) == (None, "public")
    assert code(browser.post(f"{path_of(app)}/rotate-secret", headers=me)) == (409, "CONFLICT")


def test_an_app_asked_for_twice_with_one_key_is_one_whose_secret_is_shown_once(browser, me):
    headers = {**me, "Idempotency-Key": "the-same"}
    once, twice = (register(browser, headers).json for _ in range(2))

    assert once["id"] == twice["id"]
    assert twice["clientSecret"] is None


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"redirectUris": ["http://reader.example/back"]}, "redirectUris.0"),
        ({"redirectUris": [BACK, "https://*.example/"]}, "redirectUris.1"),
        ({"redirectUris": []}, "redirectUris"),
        ({"redirectUris": [BACK] * 11}, "redirectUris"),
        ({"scopes": ["users:admin"]}, "scopes.0"),
        ({"scopes": ["keys:write"]}, "scopes.0"),
        ({"scopes": []}, "scopes"),
        ({"grantTypes": ["password"]}, "grantTypes.0"),
        ({"grantTypes": ["refresh_token"]}, "grantTypes"),
        ({"clientType": "public", "grantTypes": ["client_credentials"]}, "grantTypes"),
        ({"homepageUrl": "javascript:alert(1)"}, "homepageUrl"),
        ({"logoUrl": "data:image/png;base64,"}, "logoUrl"),
        ({"name": ""}, "name"),
        ({"clientSecret": "mine"}, "clientSecret"),
        ({"clientId": "mine"}, "clientId"),
    ],
    ids=str,
)
def test_what_could_not_work_safely_is_not_registered(browser, me, wish, field):
    answer = register(browser, me, **wish)

    assert code(answer) == (400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in answer.json["error"]["details"]] == [field]
    assert App.select().count() == 0


def test_a_change_holds_and_is_checked_as_a_registration_is(browser, me, app):
    changed = browser.request("PATCH", path_of(app), headers=me, json={"name": "Another"})
    odd = browser.request(
        "PATCH", path_of(app), headers=me, json={"redirectUris": ["http://evil.example"]}
    )

    assert changed.json["name"] == "Another"
    assert code(odd) == (400, "VALIDATION_ERROR")
    assert App.get().redirect_uris == [BACK]


@pytest.mark.parametrize(
    ("method", "suffix"),
    [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/rotate-secret")],
)
def test_the_app_of_another_is_not_found(browser, app, stranger, method, suffix):
    body = {"json": {"name": "mine"}} if method == "PATCH" else {}

    answer = browser.request(method, f"{path_of(app)}{suffix}", headers=stranger, **body)

    assert code(answer) == (404, "NOT_FOUND")
    assert App.get().name == "A reader"


def test_the_apps_of_another_are_not_listed(browser, app, stranger):
    assert browser.get("/v1/oauth/apps", headers=stranger).json["data"] == []


def test_an_api_key_manages_no_apps(browser, me, app):
    key = bearer(make_key(browser, me).json["key"])

    assert code(register(browser, key)) == (403, "FORBIDDEN")
    assert code(browser.request("DELETE", path_of(app), headers=key)) == (403, "FORBIDDEN")


def test_an_account_has_twenty_five_apps_at_most(browser, me):
    answers = [register(browser, me) for _ in range(26)]

    assert [answer.status_code for answer in answers] == [201] * 25 + [409]
    browser.request("DELETE", path_of(answers[0].json), headers=me)
    assert register(browser, me).status_code == 201


def test_what_is_done_to_an_app_is_written_down(browser, me, app):
    browser.request("PATCH", path_of(app), headers=me, json={"name": "Another"})
    browser.post(f"{path_of(app)}/rotate-secret", headers=me)
    browser.request("DELETE", path_of(app), headers=me)

    actions = [entry.action for entry in AuditEntry.select().order_by(AuditEntry.id)]
    assert actions == [
        "oauth.app.registered", "oauth.app.changed", "oauth.app.secret_rotated",
        "oauth.app.deleted",
    ]  # fmt: skip
    assert browser.get(path_of(app), headers=me).status_code == 404
