"""What ends, and when; and what an app may know of a token (A-06, A-14)."""

import pytest

from models.accounts import Person
from models.kernel.clock import SystemClock
from models.oauth import Grant
from tests.api.conftest import PASSWORD, address
from tests.api.oauth.actors import bearer, opens, refusal, registered

pytestmark = pytest.mark.usefixtures("database")


class TestWhatEnds:
    def test_a_grant_with_every_token_of_it_at_once(self, browser, me, app, tokens):
        (grant,) = browser.get("/v1/oauth/grants", headers=me).json["data"]
        path = f"/v1/oauth/grants/{grant['id']}"
        assert (grant["app"]["name"], grant["scopes"]) == (
            "A reader", ["books:read", "offline_access", "openid"]
        )  # fmt: skip

        assert browser.request("DELETE", path, headers=me).status_code == 204

        assert opens(browser, tokens["access_token"]) == 401
        assert refusal(app.refresh(tokens["refresh_token"])) == (400, "invalid_grant")
        assert not app.active(tokens["access_token"])
        assert browser.get("/v1/oauth/grants", headers=me).json["data"] == []
        assert browser.request("DELETE", path, headers=me).status_code == 404

    def test_a_grant_of_another_is_not_found(self, browser, me, tokens):
        (grant,) = browser.get("/v1/oauth/grants", headers=me).json["data"]
        email = address()
        browser.post("/v1/auth/register", json={"email": email, "password": PASSWORD})
        body = {"email": email, "password": PASSWORD}
        stranger = bearer(browser.post("/v1/auth/login", json=body).json["access_token"])

        path = f"/v1/oauth/grants/{grant['id']}"

        assert browser.request("DELETE", path, headers=stranger).status_code == 404
        assert opens(browser, tokens["access_token"]) == 200

    def test_a_revival_of_a_grant_revives_no_token(self, browser, me, ada, app, tokens):
        (grant,) = browser.get("/v1/oauth/grants", headers=me).json["data"]
        browser.request("DELETE", f"/v1/oauth/grants/{grant['id']}", headers=me)
        ada.consent(app.address())

        assert opens(browser, tokens["access_token"]) == 401

    def test_a_code_that_is_made_while_its_grant_ends(self, app, code):
        Grant.update(ended_at=SystemClock().now()).execute()

        assert refusal(app.redeem(code)) == (400, "invalid_grant")

    def test_the_tokens_of_a_suspended_person(self, browser, app, tokens, email):
        Person.update(status="suspended").where(Person.email == email).execute()

        assert opens(browser, tokens["access_token"]) == 401
        assert not app.active(tokens["access_token"])
        assert refusal(app.refresh(tokens["refresh_token"])) == (400, "invalid_grant")

    def test_a_scope_that_the_app_loses(self, browser, me, app, tokens):
        path = f"/v1/oauth/apps/{app.told['id']}"
        browser.request("PATCH", path, headers=me, json={"scopes": ["openid"]})

        assert opens(browser, tokens["access_token"]) == 403

    def test_everything_with_the_app(self, browser, me, app, tokens):
        browser.request("DELETE", f"/v1/oauth/apps/{app.told['id']}", headers=me)

        assert opens(browser, tokens["access_token"]) == 401

    @pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
    def test_a_token_that_its_app_revokes(self, browser, app, tokens, kind):
        answer = app.post("/oauth/revoke", token=tokens[kind], token_type_hint="nonsense")

        assert (answer.status_code, answer.content) == (200, b"{}")
        assert opens(browser, tokens["access_token"]) == 401
        assert refusal(app.refresh(tokens["refresh_token"])) == (400, "invalid_grant")

    def test_no_token_that_another_app_revokes(self, browser, me, tokens):
        other = registered(browser, me)

        assert other.post("/oauth/revoke", token=tokens["refresh_token"]).status_code == 200
        assert other.post("/oauth/revoke", token="made up").status_code == 200
        assert opens(browser, tokens["access_token"]) == 200


class TestLookingAtAToken:
    def test_tells_its_app_what_it_is_good_for(self, app, tokens):
        told = app.post("/oauth/introspect", token=tokens["access_token"]).json
        refresh = app.post("/oauth/introspect", token=tokens["refresh_token"]).json

        assert told["active"]
        assert (told["client_id"], told["scope"]) == (app.id, tokens["scope"])
        assert (refresh["active"], refresh["scope"]) == (True, tokens["scope"])

    def test_tells_another_app_nothing(self, browser, me, tokens):
        other = registered(browser, me)

        answers = [
            other.post("/oauth/introspect", token=token).json
            for token in (tokens["access_token"], tokens["refresh_token"], "x", tokens["id_token"])
        ]

        assert answers == [{"active": False}] * 4

    def test_tells_nothing_of_a_refresh_token_that_was_used(self, app, tokens):
        app.refresh(tokens["refresh_token"])

        assert not app.active(tokens["refresh_token"])

    def test_is_not_for_public_apps(self, browser, me, tokens):
        public = registered(browser, me, clientType="public", grantTypes=["authorization_code"])

        answer = public.post("/oauth/introspect", token=tokens["access_token"])

        assert refusal(answer) == (401, "invalid_client")
