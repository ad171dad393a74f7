"""Signing in at providers, from the first click to a login here (A-16, A-28)."""

from urllib.parse import urlsplit

import pytest

from models.accounts import Person as Row
from models.issuers import Identity
from models.logins import LoginAttempt
from models.people import AuditEntry
from models.sign_ins import SignIn
from tests import factories
from tests.api.browser import Browser
from tests.api.conftest import PASSWORD, code
from tests.api.social.conftest import APP, Person, Settle, told
from tests.fakes.sign_in import CLIENT_ID, FakeProvider
from tests.login_factories import LATER, NOW


@pytest.fixture
def linkable() -> Row:
    return factories.person(email="somebody@example.org", email_verified_at=NOW)


def test_the_providers_that_are_set_up_are_listed(browser: Browser, settle: Settle) -> None:
    listed = browser.get("/v1/auth/providers").json["data"]

    assert [each["name"] for each in listed] == ["google", "oidc", "github"]
    assert listed[0] == {"name": "google", "title": "Google", "url": "/v1/auth/social/google"}
    bare = settle(google_client_id="", github_client_id="", oidc_issuer_url="")
    assert bare.get("/v1/auth/providers").json == {"data": []}


def test_the_way_there_says_no_more_than_it_must(somebody: Person, provider: FakeProvider) -> None:
    answer = somebody.begin()

    asked, kept = told(answer), answer.cookies["ilm_social"]
    assert answer.headers["Location"].startswith(f"{provider.url}/authorize?")
    assert asked["client_id"] == CLIENT_ID
    assert asked["redirect_uri"] == "http://127.0.0.1:8000/v1/auth/social/google/callback"
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert len(asked["state"]) == len(asked["nonce"]) == 43
    assert (kept.http_only, kept.same_site, kept.path) == (True, "Lax", "/v1/auth/social")
    assert asked["state"] not in kept.value


def test_a_provider_that_wants_the_secret_in_the_form_gets_it_there(
    somebody: Person, provider: FakeProvider
) -> None:
    provider.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    provider.publish()

    assert somebody.sign_in(provider)


@pytest.mark.parametrize("name", ["google", "github"])
def test_somebody_new_signs_in_and_again(
    somebody: Person, provider: FakeProvider, name: str
) -> None:
    first, again = somebody.sign_in(provider, name), somebody.sign_in(provider, name)

    seen = [somebody.browser.get("/v1/users/me", headers=each).json for each in (first, again)]
    assert seen[0]["id"] == seen[1]["id"]
    assert seen[0]["email"] == "somebody@example.org"
    person = Row.get()
    assert [entry.action for entry in AuditEntry.about(person.id)] == ["identity.made"]
    kinds = {(each.action, each.outcome) for each in LoginAttempt.select()}
    assert {("social_login", "ok"), ("login", "ok")} <= kinds


def test_a_browser_may_keep_the_login_in_cookies(somebody: Person, provider: FakeProvider) -> None:
    answer = somebody.redeem(somebody.come_back(provider), cookie=True, device="a page")

    assert answer.status_code == 200
    assert "refresh_token" not in answer.json
    assert {"ilm_refresh", "ilm_csrf"} <= set(answer.cookies)


def test_an_address_both_sides_verified_leads_to_who_has_it(
    somebody: Person, provider: FakeProvider, linkable: Row
) -> None:
    somebody.sign_in(provider)
    somebody.sign_in(provider, "github")

    assert {each.user_id for each in Identity.select()} == {linkable.id}
    assert Row.select().count() == 1


def test_a_second_factor_is_asked_for(
    somebody: Person, provider: FakeProvider, linkable: Row
) -> None:
    factories.factor(linkable)

    answer = somebody.redeem(somebody.come_back(provider))

    assert code(answer) == (401, "MFA_REQUIRED")
    assert answer.json["error"]["mfaToken"]


@pytest.mark.parametrize("status", ["suspended", "deleted"])
def test_who_may_not_come_in_does_not(
    somebody: Person, provider: FakeProvider, status: str
) -> None:
    back = somebody.come_back(provider)
    Row.update(status=status).execute()

    assert code(somebody.redeem(back)) == (401, "UNAUTHORIZED")
    assert told(somebody.come_back(provider)) == {"error": "UNAUTHORIZED"}


def test_who_has_left_is_told_so(somebody: Person, provider: FakeProvider) -> None:
    somebody.sign_in(provider)
    Row.update(status="deleted", purge_at=LATER).execute()

    assert code(somebody.redeem(somebody.come_back(provider)))[1] == "ACCOUNT_DELETED"


@pytest.mark.parametrize("place", [f"{APP}/welcome?from=google", f"{APP}"])
def test_an_origin_of_ours_gets_the_code(
    somebody: Person, provider: FakeProvider, place: str
) -> None:
    address = somebody.begin(return_to=place).headers["Location"]

    on = somebody.get(provider.consent(address)).headers["Location"]

    assert on.startswith(place)
    assert urlsplit(on).netloc == "app.example"


def test_who_says_no_comes_back_with_an_error(somebody: Person, provider: FakeProvider) -> None:
    answer = somebody.come_back(provider, code="", error="access_denied")

    assert told(answer) == {"error": "UNAUTHORIZED"}
    assert SignIn.select().count() == 0


def test_a_provider_that_is_away_is_told(somebody: Person, provider: FakeProvider) -> None:
    provider.script = lambda answering: answering.say(500)

    assert code(somebody.begin()) == (503, "SERVICE_UNAVAILABLE")
    assert code(somebody.begin()) == (503, "SERVICE_UNAVAILABLE")
    assert len(provider.asked) == 1


def test_a_provider_nobody_set_up_is_not_there(somebody: Person) -> None:
    assert code(somebody.begin("facebook")) == (404, "NOT_FOUND")
    assert code(somebody.get("/v1/auth/social/facebook/callback")) == (404, "NOT_FOUND")


def test_identities_are_listed_and_the_last_way_in_stays(
    somebody: Person, provider: FakeProvider
) -> None:
    me = somebody.sign_in(provider)
    somebody.sign_in(provider, "github")
    path = "/v1/auth/identities"
    github, google = somebody.browser.get(path, headers=me).json["data"]
    assert google["source"] == provider.url

    def unlink(identity: dict[str, str]) -> int:
        answer = somebody.browser.request("DELETE", f"{path}/{identity['id']}", headers=me)
        return int(answer.status_code)

    assert [unlink(github), unlink(github), unlink(google)] == [204, 404, 409]
    Row.update(password_hash="a hash").execute()
    assert unlink(google) == 204


def test_nobody_unlinks_who_another_is(somebody: Person, provider: FakeProvider) -> None:
    me = somebody.sign_in(provider)
    theirs = factories.identity()

    path = f"/v1/auth/identities/identity_{theirs.id.hex}"
    answer = somebody.browser.request("DELETE", path, headers=me)

    assert code(answer) == (404, "NOT_FOUND")
    assert Identity.select().count() == 2


def test_who_came_by_a_provider_logs_in_with_no_password(
    somebody: Person, provider: FakeProvider
) -> None:
    somebody.sign_in(provider)

    for guess in ("nobody has this password", PASSWORD):
        body = {"email": "somebody@example.org", "password": guess}
        answer = somebody.browser.post("/v1/auth/login", json=body)
        assert code(answer) == (401, "UNAUTHORIZED")
