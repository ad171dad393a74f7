"""Registering, logging in and API keys, over HTTP and a real database."""

from concurrent.futures import wait

import pytest

from jobs.accounts import NewPerson, register
from models.accounts import ApiKey, Person
from models.kernel.clock import SystemClock
from tests.api.conftest import PASSWORD, address, code, make_key

pytestmark = pytest.mark.usefixtures("database")


def test_a_new_user_is_told_without_the_password(browser, email):
    answer = browser.post("/v1/auth/register", json={"email": email.upper(), "password": PASSWORD})

    assert answer.status_code == 201
    assert answer.json["id"].startswith("user_")
    assert (answer.json["email"], answer.json["role"], answer.json["tier"]) == (
        email, "user", "free"
    )  # fmt: skip
    assert PASSWORD not in answer.text


def test_an_address_is_registered_once_however_it_is_spelled(browser, email):
    answers = [
        browser.send("POST", "/v1/auth/register", json={"email": spelled, "password": PASSWORD})
        for spelled in (email, email.upper())
    ]
    wait(answers)

    assert sorted(each.result().status_code for each in answers) == [201, 409]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("password", "short12"),
        ("password", "x" * 257),
        ("email", "nobody"),
        ("email", f"{'x' * 250}@example.org"),
        ("email", 7),
        ("name", "x" * 101),
        ("role", "admin"),
    ],
)
def test_a_registration_that_is_not_one_names_the_field(browser, email, field, value):
    wish = {"email": email, "password": PASSWORD, field: value}

    answer = browser.post("/v1/auth/register", json=wish)

    assert code(answer) == (400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in answer.json["error"]["details"]] == [field]


def test_a_login_answers_a_token_in_the_shape_of_oauth(browser, email, token):
    answer = browser.post(
        "/v1/auth/login", json={"email": f" {email.upper()} ", "password": PASSWORD}
    )

    tokens = {"access_token", "refresh_token", "device_token"}
    assert set(answer.json) == {*tokens, "token_type", "expires_in"}
    assert (answer.json["token_type"], answer.json["expires_in"]) == ("Bearer", 900)
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_wrong_password_and_an_unknown_address_are_told_the_same(browser, email, token):
    wrong = browser.post("/v1/auth/login", json={"email": email, "password": "not this one"})
    nobody = browser.post("/v1/auth/login", json={"email": address(), "password": PASSWORD})

    assert code(wrong) == code(nobody) == (401, "UNAUTHORIZED")
    assert wrong.json["error"]["message"] == nobody.json["error"]["message"]


def test_a_token_opens_ones_own_profile(browser, me, email):
    answer = browser.get("/v1/users/me", headers=me)

    assert (answer.json["email"], answer.json["name"]) == (email, "Ada")
    assert answer.json["lastLoginAt"].endswith("Z")


def test_a_name_can_be_changed(browser, me):
    browser.request("PATCH", "/v1/users/me", headers=me, json={"name": "Grace"})

    assert browser.get("/v1/users/me", headers=me).json["name"] == "Grace"


@pytest.mark.parametrize(
    "credential",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer x"},
        {"Authorization": "Bearer a.b.c"},
        {"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c2VyXzAifQ."},
        {"Authorization": "Basic eDp5"},
        {"Authorization": f"Bearer {'x' * 9000}"},
        {"X-API-Key": "ilm_live_nobodys"},
        {"X-API-Key": f"ilm_live_{'x' * 3000}"},
    ],
)
def test_what_is_no_credential_is_refused(browser, credential):
    answer = browser.get("/v1/users/me", headers=credential)

    assert code(answer) == (401, "UNAUTHORIZED")
    assert answer.headers["WWW-Authenticate"]


def test_two_different_credentials_at_once_are_refused(browser, me):
    key = make_key(browser, me).json["key"]

    assert code(browser.get("/v1/users/me", headers={**me, "X-API-Key": key}))[0] == 401


def test_who_is_suspended_is_out_at_once(browser, me, email):
    key = make_key(browser, me).json["key"]
    Person.update(status="suspended").where(Person.email == email).execute()

    assert browser.get("/v1/users/me", headers=me).status_code == 401
    assert browser.get("/v1/users/me", headers={"X-API-Key": key}).status_code == 401
    again = browser.post("/v1/auth/login", json={"email": email, "password": PASSWORD})
    assert again.status_code == 401


@pytest.mark.parametrize("mode", ["live", "test"])
def test_an_api_key_is_shown_once_and_kept_as_a_digest(browser, me, mode):
    made = make_key(browser, me, mode=mode).json

    assert made["key"].startswith(f"ilm_{mode}_")
    assert len(made["key"]) == len(f"ilm_{mode}_") + 43
    assert made["prefix"] == made["key"][:16]
    (listed,) = browser.get("/v1/api-keys", headers=me).json["data"]
    assert "key" not in listed
    assert listed["prefix"] == made["prefix"]
    row = ApiKey.get(ApiKey.prefix == made["prefix"])
    assert made["key"].encode() not in bytes(row.digest)


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
def test_an_api_key_opens_by_either_header(browser, me, header):
    key = make_key(browser, me).json["key"]
    value = f"Bearer {key}" if header == "Authorization" else key

    assert browser.get("/v1/users/me", headers={header: value}).status_code == 200


def test_a_revoked_key_is_out_at_once_and_no_longer_listed(browser, me):
    made = make_key(browser, me).json

    gone = browser.request("DELETE", f"/v1/api-keys/{made['id']}", headers=me)

    assert (gone.status_code, gone.content) == (204, b"")
    assert browser.get("/v1/users/me", headers={"X-API-Key": made["key"]}).status_code == 401
    assert browser.get("/v1/api-keys", headers=me).json["data"] == []
    again = browser.request("DELETE", f"/v1/api-keys/{made['id']}", headers=me)
    assert again.status_code == 404


def test_somebody_elses_key_is_not_found(browser, me):
    key_id = make_key(browser, me).json["id"]
    other = address()
    register(NewPerson(email=other, password=PASSWORD), SystemClock())
    login = browser.post("/v1/auth/login", json={"email": other, "password": PASSWORD}).json
    theirs = {"Authorization": f"Bearer {login['access_token']}"}

    assert browser.request("DELETE", f"/v1/api-keys/{key_id}", headers=theirs).status_code == 404
    assert browser.get("/v1/api-keys", headers=theirs).json["pagination"]["total"] == 0


def test_a_scope_limits_a_key_and_what_it_may_grant(browser, me):
    scoped = {"X-API-Key": make_key(browser, me, scopes=["profile:read", "keys:write"]).json["key"]}

    assert browser.get("/v1/users/me", headers=scoped).status_code == 200
    refused = browser.request("PATCH", "/v1/users/me", headers=scoped, json={"name": "x"})
    assert code(refused) == (403, "INSUFFICIENT_PERMISSIONS")
    assert "profile:write" in refused.json["error"]["message"]
    wider = make_key(browser, scoped, scopes=["profile:write"])
    assert code(wider) == (403, "INSUFFICIENT_PERMISSIONS")


def test_a_key_made_by_a_scoped_key_is_no_wider_than_its_maker(browser, me):
    scoped = {"X-API-Key": make_key(browser, me, scopes=["keys:write"]).json["key"]}

    child = make_key(browser, scoped).json

    assert child["scopes"] == ["keys:write"]
    assert browser.get("/v1/users/me", headers={"X-API-Key": child["key"]}).status_code == 403


def test_a_test_key_makes_no_live_key(browser, me):
    test = {"X-API-Key": make_key(browser, me, mode="test").json["key"]}

    assert make_key(browser, test, mode="live").status_code == 403
    assert make_key(browser, test, mode="test").status_code == 201


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "expiresAt"),
        ({"expiresAt": "tomorrow"}, "expiresAt"),
        ({"expiresAt": "0001-01-01T00:00:00+14:00"}, "expiresAt"),
        ({"scopes": ["everything"]}, "scopes.0"),
        ({"mode": "play"}, "mode"),
        ({"name": " "}, "name"),
        ({"ipDeny": []}, "ipDeny"),
    ],
)
def test_a_key_nobody_can_make_names_the_field(browser, me, wish, field):
    answer = make_key(browser, me, **wish)

    assert code(answer) == (400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in answer.json["error"]["details"]] == [field]


def test_keys_are_listed_by_pages_newest_first(browser, me):
    names = [f"key {number}" for number in range(3)]
    for name in names:
        make_key(browser, me, name=name)

    first = browser.get("/v1/api-keys?limit=2", headers=me).json
    second = browser.get("/v1/api-keys?limit=2&page=2", headers=me).json

    assert [key["name"] for key in first["data"] + second["data"]] == names[::-1]
    assert first["pagination"] == {
        "page": 1, "limit": 2, "total": 3, "totalPages": 2, "hasMore": True
    }  # fmt: skip
    assert second["pagination"]["hasMore"] is False


@pytest.mark.parametrize(
    "query", ["page=0", "limit=101", "page=1e3", "page=%D9%A1", "page=5001", "page="]
)
def test_a_page_that_cannot_be_is_refused(browser, me, query):
    assert code(browser.get(f"/v1/api-keys?{query}", headers=me)) == (400, "VALIDATION_ERROR")


def test_the_published_keys_hold_no_private_half(browser, token):
    (key,) = browser.get("/.well-known/jwks.json").json["keys"]

    assert (key["kty"], key["alg"], key["use"]) == ("RSA", "RS256", "sig")
    assert not {"d", "p", "q", "dp", "dq", "qi"} & set(key)
