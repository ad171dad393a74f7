"""Who an app is, and what it gets for itself (A-14)."""

import pytest

from models.accounts import Person
from tests.api.oauth.actors import opens, refusal, registered, told_at

pytestmark = pytest.mark.usefixtures("database")


class TestWhoAnAppIs:
    def test_is_shown_in_the_form_too(self, app, code):
        secret = app.told["clientSecret"]

        answer = app.redeem(code, shown=False, client_id=app.id, client_secret=secret)

        assert answer.status_code == 200

    @pytest.mark.parametrize(
        "fields",
        [
            {"client_secret": "wrong"},
            {"client_secret": ""},
            {"client_id": "nobody", "client_secret": "x"},
            {"client_id": ""},
            {},
        ],
        ids=str,
    )
    def test_wants_the_secret(self, app, code, fields):
        answer = app.redeem(code, shown=False, **{"client_id": app.id, **fields})

        assert refusal(answer) == (401, "invalid_client")
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="ilm"'
        assert app.redeem(code).status_code == 200

    def test_is_shown_once(self, app, code):
        answer = app.redeem(code, client_secret="x")

        assert refusal(answer) == (400, "invalid_request")

    def test_is_told_by_a_public_app_without_a_secret(self, browser, me, ada):
        public = registered(browser, me, clientType="public", grantTypes=["authorization_code"])
        code = told_at(ada.consent(public.address()))["code"]

        assert refusal(public.redeem(code, client_secret="x")) == (401, "invalid_client")
        assert public.redeem(code).status_code == 200

    def test_ends_with_the_old_secret(self, browser, me, app, code):
        path = f"/v1/oauth/apps/{app.told['id']}/rotate-secret"
        fresh = browser.post(path, headers=me).json

        assert refusal(app.redeem(code)) == (401, "invalid_client")
        app.told = fresh
        assert app.redeem(code).status_code == 200


class TestAnAppByItself:
    def test_acts_for_the_account_that_registered_it(self, browser, app):
        answer = app.post("/oauth/token", grant_type="client_credentials").json

        assert answer["scope"] == "books:read books:write"
        assert "refresh_token" not in answer
        assert opens(browser, answer["access_token"]) == 200
        assert opens(browser, answer["access_token"], "/v1/jobs") == 403

    def test_never_does_more_than_its_owner_may_now(self, browser, app, email):
        token = app.post("/oauth/token", grant_type="client_credentials").json["access_token"]
        Person.update(role="nobody").where(Person.email == email).execute()

        assert opens(browser, token) == 403

    @pytest.mark.parametrize("scope", ["openid", "books:read users:admin", "keys:write", "x"])
    def test_gets_no_scope_that_is_not_its_own(self, app, scope):
        answer = app.post("/oauth/token", grant_type="client_credentials", scope=scope)

        assert refusal(answer) == (400, "invalid_scope")

    def test_needs_a_secret(self, browser, me):
        public = registered(
            browser, me, clientType="public", grantTypes=["authorization_code", "refresh_token"]
        )

        answer = public.post("/oauth/token", grant_type="client_credentials")

        assert refusal(answer) == (400, "unauthorized_client")

    def test_whose_owner_is_suspended_gets_nothing(self, app, email):
        Person.update(status="suspended").where(Person.email == email).execute()

        answer = app.post("/oauth/token", grant_type="client_credentials")

        assert refusal(answer) == (400, "unauthorized_client")
