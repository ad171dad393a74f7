"""Attacks on signing in at providers: each leads nowhere (A-16)."""

from typing import Any

import pytest

from models.accounts import Person as Row
from models.issuers import Identity
from models.logins import LoginSession
from models.sign_ins import SignIn
from tests import factories
from tests.api.browser import Browser
from tests.api.conftest import code
from tests.api.social.conftest import APP, Person, Settle, told
from tests.fakes.issuer import RSA_PAIRS
from tests.fakes.sign_in import FakeProvider
from tests.jobs.issuers.test_outsiders import packed
from tests.login_factories import NOW

REFUSED = {"error": "UNAUTHORIZED"}


def unsigned(fake: FakeProvider, own: dict[str, Any]) -> str:
    return f"{packed({'alg': 'none', 'kid': 'first'})}.{packed(fake.claims(**own))}."


def by_stranger(fake: FakeProvider, own: dict[str, Any]) -> str:
    kept = fake.keys
    fake.keys = {"first": (RSA_PAIRS[1], "RS256")}
    token = fake.token(**own)
    fake.keys = kept
    return token


FORGERIES = {
    "no signature": unsigned,
    "a stranger's key": by_stranger,
    "another issuer": lambda f, own: f.token(**{**own, "iss": "https://evil.example"}),
    "another audience": lambda f, own: f.token(**{**own, "aud": "another app"}),
    "two audiences": lambda f, own: f.token(**{**own, "aud": [own["aud"], "another"]}),
    "another party": lambda f, own: f.token(**{**own, "azp": "another app"}),
    "another nonce": lambda f, own: f.token(**{**own, "nonce": "n" * 43}),
    "no nonce": lambda f, own: f.token(**{**own, "nonce": None}),
    "over": lambda f, own: f.token(**{**own, "iat": 1_000, "exp": 2_000}),
    "unknown key": lambda f, own: f.token(header={"kid": "unknown"}, **own),
    "no token": lambda _f, _own: None,
    "nonsense": lambda _f, _own: "a.b.c",
}


@pytest.mark.parametrize("forgery", FORGERIES, ids=str)
def test_an_id_token_that_does_not_hold_logs_nobody_in(
    somebody: Person, provider: FakeProvider, forgery: str
) -> None:
    provider.forge = lambda own: FORGERIES[forgery](provider, own)

    assert set(told(somebody.come_back(provider))) == {"error"}
    assert Row.select().count() == 0


def test_a_state_that_is_missing_or_anothers_is_refused(
    somebody: Person, browser: Browser, provider: FakeProvider
) -> None:
    mallory = Person(browser)
    theirs = provider.consent(mallory.begin().headers["Location"])
    path = provider.consent(somebody.begin().headers["Location"])
    kept = dict(somebody.cookies)

    for wrong in (path.partition("?")[0], theirs, path.replace("state=", "state=x")):
        somebody.cookies = dict(kept)
        assert code(somebody.get(wrong)) == (403, "FORBIDDEN")
    assert "/token" not in provider.asked


def test_who_did_not_begin_here_is_not_logged_in_as_another(
    somebody: Person, browser: Browser, provider: FakeProvider
) -> None:
    """Login CSRF: neither a planted way back nor a planted code counts in another's browser."""
    mallory = Person(browser, verifier="m" * 43)
    planted = provider.consent(mallory.begin().headers["Location"])
    assert code(somebody.get(planted)) == (403, "FORBIDDEN")

    back = mallory.get(planted)

    assert code(somebody.redeem(back)) == (401, "UNAUTHORIZED")
    assert mallory.redeem(back).status_code == 200


@pytest.mark.parametrize("kept", ["", "x", "a" * 5_000], ids=["none", "short", "long"])
def test_a_cookie_that_is_none_of_ours_is_refused(
    somebody: Person, provider: FakeProvider, kept: str
) -> None:
    path = provider.consent(somebody.begin().headers["Location"])
    somebody.cookies = {"ilm_social": kept}

    assert code(somebody.get(path)) == (403, "FORBIDDEN")


def test_a_way_back_counts_once(somebody: Person, provider: FakeProvider) -> None:
    path = provider.consent(somebody.begin().headers["Location"])
    kept = dict(somebody.cookies)
    asked = next(iter(provider.codes.items()))
    assert "login_code" in told(somebody.get(path))

    somebody.cookies = kept
    assert told(somebody.get(path)) == REFUSED
    provider.codes[asked[0]] = asked[1]
    somebody.cookies = kept
    assert told(somebody.get(path)) == REFUSED
    assert SignIn.select().count() == 1


def test_a_code_is_redeemed_once_in_time_and_by_who_began(
    somebody: Person, provider: FakeProvider
) -> None:
    back = somebody.come_back(provider)
    late = somebody.come_back(provider)

    assert code(somebody.redeem(back, code_verifier="w" * 43)) == (401, "UNAUTHORIZED")
    assert somebody.redeem(back).status_code == 200
    assert code(somebody.redeem(back)) == (401, "UNAUTHORIZED")
    SignIn.update(expires_at=NOW).execute()
    assert code(somebody.redeem(late)) == (401, "UNAUTHORIZED")
    assert LoginSession.select().count() == 1


def test_the_way_back_of_one_provider_does_not_serve_another(
    somebody: Person, provider: FakeProvider, other: FakeProvider
) -> None:
    """Mix-up: a code that one provider gave is not shown to another."""
    path = other.consent(somebody.begin("oidc").headers["Location"])

    assert code(somebody.get(path.replace("/oidc/", "/google/"))) == (403, "FORBIDDEN")
    assert "/token" not in provider.asked + other.asked


@pytest.mark.parametrize("metadata", [{}, {"authorization_response_iss_parameter_supported": True}])
def test_an_answer_of_another_issuer_is_refused(
    somebody: Person, provider: FakeProvider, other: FakeProvider, metadata: dict[str, Any]
) -> None:
    """RFC 9207, where the provider says that it sends `iss`, and where it does all the same."""
    provider.metadata = metadata
    provider.publish()

    assert told(somebody.come_back(provider, iss=other.url)) == REFUSED
    assert "/token" not in provider.asked
    assert "login_code" in told(somebody.come_back(provider, iss=provider.url))
    assert ("login_code" in told(somebody.come_back(provider))) is not bool(metadata)


@pytest.mark.parametrize("name", ["google", "github"])
def test_an_address_the_provider_has_not_verified_leads_nowhere(
    somebody: Person, provider: FakeProvider, name: str
) -> None:
    factories.person(email="somebody@example.org", email_verified_at=NOW)
    provider.own = {"email_verified": False}
    provider.pages["/user/emails"] = [
        {"email": "somebody@example.org", "primary": True, "verified": False}
    ]

    assert told(somebody.come_back(provider, name)) == REFUSED
    assert Identity.select().count() == 0


@pytest.mark.parametrize(
    "mine", [{"email_verified_at": None}, {"role": "admin"}, {"role": "super_admin"}]
)
def test_who_was_here_first_without_verifying_or_administers_is_not_linked(
    somebody: Person, provider: FakeProvider, mine: dict[str, Any]
) -> None:
    usual = {"email": "somebody@example.org", "email_verified_at": NOW}
    factories.person(**{**usual, **mine})

    assert told(somebody.come_back(provider)) == REFUSED
    assert Identity.select().count() == 0


@pytest.mark.parametrize("user", [{}, {"id": "7"}, {"id": True}, [], "x"], ids=str)
def test_a_github_that_does_not_say_who_it_is_is_not_believed(
    somebody: Person, provider: FakeProvider, user: Any
) -> None:
    provider.pages["/user"] = user

    assert told(somebody.come_back(provider, "github")) == REFUSED


@pytest.mark.parametrize(
    "place",
    [
        "https://evil.example/", "//evil.example", "/\\evil.example", "/%0d%0aLocation:x",
        "https://app.example.evil.example/", "https://app.example@evil.example/", "javascript:1",
        f"{APP}/../..//evil", f"{APP}:8443/", "http://app.example/", "/?login_code=planted\n",
        f"{APP}/#fragment", "http://127.0.0.1:9/", "", "evil", "/" + "x" * 600,
    ],
)  # fmt: skip
def test_nobody_is_sent_on_to_a_place_that_is_not_ours(somebody: Person, place: str) -> None:
    answer = somebody.begin(return_to=place)
    assert code(answer) == (400, "VALIDATION_ERROR")
    assert "ilm_social" not in answer.cookies


@pytest.mark.parametrize("challenge", ["", "short", "x" * 44, "=" * 43])
def test_without_a_challenge_nobody_begins(somebody: Person, challenge: str) -> None:
    path = f"/v1/auth/social/google?return_to=/&code_challenge={challenge}"

    assert code(somebody.get(path)) == (400, "VALIDATION_ERROR")


def test_a_provider_at_a_private_address_is_not_called(
    settle: Settle, provider: FakeProvider
) -> None:
    somebody = Person(settle(egress_allow=()))

    assert somebody.begin().status_code in {400, 503}
    assert provider.asked == []
