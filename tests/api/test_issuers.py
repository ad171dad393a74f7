"""Outside issuers at the front: trusted by administrators, and their tokens at any route (A-05)."""

from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from falcon.testing import Result

from models.accounts import Person
from models.issuers import Identity, Issuer
from models.people import AuditEntry
from tests import factories
from tests.api.browser import Browser
from tests.api.conftest import Open, code
from tests.api.reader import Reader
from tests.fakes.issuer import AUDIENCE, DISCOVERY, FakeIssuer, is_away, redirects

pytestmark = pytest.mark.usefixtures("database")

ISSUERS = "/v1/admin/issuers"
HERE = ("127.0.0.0/8",)


@pytest.fixture
def fake() -> Iterator[FakeIssuer]:
    with FakeIssuer() as running:
        yield running


@pytest.fixture
def browser(open_browser: Open) -> Browser:
    return open_browser(egress_allow=HERE)


@pytest.fixture
def root(browser: Browser) -> Reader:
    return Reader(browser, factories.person(role="super_admin"))


def wish(fake: FakeIssuer, **own: Any) -> dict[str, Any]:
    usual = {"name": "Fake", "issuerUrl": fake.url, "audiences": [AUDIENCE], "provisions": True}
    return {**usual, **own}


def trusted(root: Reader, fake: FakeIssuer, **own: Any) -> str:
    """Trust the issuer; return its path."""
    answer = root.post(ISSUERS, json=wish(fake, **own))
    assert answer.status_code == 201, answer.json
    return f"{ISSUERS}/{answer.json['id']}"


def me(browser: Browser, token: str, path: str = "/v1/users/me") -> Result:
    return browser.get(path, headers={"Authorization": f"Bearer {token}"})


def test_an_issuer_is_discovered_and_its_tokens_are_taken(
    root: Reader, browser: Browser, fake: FakeIssuer
) -> None:
    answer = root.post(ISSUERS, json=wish(fake))

    assert answer.status_code == 201
    assert answer.json["jwksUrl"] == f"{fake.url}/keys"
    assert answer.json["keysReadAt"]
    assert answer.headers["Location"] == f"{ISSUERS}/{answer.json['id']}"
    told = me(browser, fake.token())
    assert (told.status_code, told.json["email"]) == (200, "somebody@example.org")
    assert me(browser, fake.token()).json["id"] == told.json["id"]
    assert fake.asked == [DISCOVERY, "/keys"]


def test_issuers_are_listed_changed_and_forgotten(root: Reader, fake: FakeIssuer) -> None:
    path = trusted(root, fake)

    changed = root.patch(path, json={"links": True, "claims": {"role": "https://x/role"}})

    assert changed.status_code == 200
    assert changed.json["claims"]["role"] == "https://x/role"
    assert root.get(path).json == changed.json
    assert root.get(ISSUERS).json["data"] == [changed.json]
    assert root.delete(path).status_code == 204
    assert code(root.get(path)) == (404, "NOT_FOUND")
    assert code(root.patch(path, json={"links": True})) == (404, "NOT_FOUND")
    actions = [entry.action for entry in AuditEntry.about(root.person.id)]
    assert actions == ["issuer.deleted", "issuer.changed", "issuer.registered"]


def test_an_issuer_that_is_off_ends_at_the_next_request_and_comes_back(
    root: Reader, browser: Browser, fake: FakeIssuer
) -> None:
    path, token = trusted(root, fake), fake.token()
    assert me(browser, token).status_code == 200

    assert root.patch(path, json={"status": "off"}).status_code == 200
    assert code(me(browser, token)) == (401, "UNAUTHORIZED")
    assert root.patch(path, json={"status": "active"}).status_code == 200
    assert me(browser, token).status_code == 200


def test_who_is_forgotten_with_an_issuer_is_not_found_again_by_it(
    root: Reader, browser: Browser, fake: FakeIssuer
) -> None:
    path, token = trusted(root, fake), fake.token()
    assert me(browser, token).status_code == 200

    root.delete(path)
    assert code(me(browser, token)) == (401, "UNAUTHORIZED")
    trusted(root, fake)

    assert code(me(browser, token)) == (401, "UNAUTHORIZED")
    assert Identity.select().count() == 0
    assert Person.by_email("somebody@example.org")


def test_a_refused_token_is_logged_without_itself(
    root: Reader, browser: Browser, fake: FakeIssuer
) -> None:
    trusted(root, fake)
    token = fake.token(aud="other")

    with structlog.testing.capture_logs() as logged:
        assert code(me(browser, token)) == (401, "UNAUTHORIZED")

    assert "auth.refused" in {line["event"] for line in logged}
    assert token not in str(logged)


def test_an_outside_token_manages_no_logins_and_administers_nothing_unasked(
    root: Reader, browser: Browser, fake: FakeIssuer
) -> None:
    trusted(root, fake, claims={"role": "role"}, roles=["moderator"])
    token = fake.token(role="super_admin")

    assert code(me(browser, token, "/v1/auth/mfa")) == (403, "FORBIDDEN")
    assert code(me(browser, token, "/v1/auth/sessions")) == (403, "FORBIDDEN")
    assert code(me(browser, token, ISSUERS)) == (403, "INSUFFICIENT_PERMISSIONS")


def test_who_administers_by_an_outside_token_has_shown_no_second_factor(
    open_browser: Open, fake: FakeIssuer
) -> None:
    strict = open_browser(egress_allow=HERE, admin_mfa="required")
    root = Reader(strict, factories.person(role="super_admin"), is_stepped_up=True)
    trusted(root, fake, claims={"role": "role"}, roles=["admin"])

    answer = me(strict, fake.token(role="admin"), "/v1/admin/users")

    assert code(answer) == (403, "STEP_UP_REQUIRED")


def test_an_admin_who_is_no_super_admin_trusts_nobody(browser: Browser, fake: FakeIssuer) -> None:
    admin = Reader(browser, factories.person(role="admin"))

    assert code(admin.post(ISSUERS, json=wish(fake))) == (403, "INSUFFICIENT_PERMISSIONS")
    assert fake.asked == []


def test_an_issuer_is_trusted_once(root: Reader, fake: FakeIssuer) -> None:
    trusted(root, fake)

    assert code(root.post(ISSUERS, json=wish(fake))) == (409, "DUPLICATE_RESOURCE")


def test_there_is_a_most_of_issuers(root: Reader, fake: FakeIssuer) -> None:
    for _ in range(50):
        factories.issuer()

    assert code(root.post(ISSUERS, json=wish(fake))) == (409, "CONFLICT")
    assert Issuer.select().count() == 50


@pytest.mark.parametrize(
    "own",
    [
        {"issuerUrl": "http://127.0.0.1:8000"},
        {"issuerUrl": "https://issuer.example/?a=b"},
        {"issuerUrl": "https://user@issuer.example"},
        {"issuerUrl": "ftp://issuer.example"},
        {"audiences": []},
        {"algorithms": ["HS256"]},
        {"algorithms": ["none"]},
        {"algorithms": []},
        {"roles": ["king"]},
        {"jwksUrl": "http://10.0.0.1/keys"},
        {"jwksUrl": "http://169.254.169.254/latest"},
        {"unknown": 1},
    ],
    ids=lambda own: str(*own.values()),
)
def test_an_issuer_that_could_not_work_or_not_safely_is_refused(
    root: Reader, fake: FakeIssuer, own: dict[str, Any]
) -> None:
    assert code(root.post(ISSUERS, json=wish(fake, **own))) == (400, "VALIDATION_ERROR")
    assert Issuer.select().count() == 0


def test_an_issuer_at_a_private_address_is_not_called(open_browser: Open, fake: FakeIssuer) -> None:
    root = Reader(open_browser(), factories.person(role="super_admin"))

    for own in ({}, {"jwksUrl": f"{fake.url}/keys"}):
        assert code(root.post(ISSUERS, json=wish(fake, **own))) == (400, "VALIDATION_ERROR")
    assert fake.asked == []


@pytest.mark.parametrize("script", [is_away, redirects], ids=lambda each: each.__name__)
def test_an_issuer_whose_keys_cannot_be_read_is_refused_at_once(
    root: Reader, fake: FakeIssuer, script: Any
) -> None:
    fake.script = script

    answer = root.post(ISSUERS, json=wish(fake))

    assert code(answer) == (400, "VALIDATION_ERROR")
    assert answer.json["error"]["details"][0]["field"] == "issuerUrl"
    assert "/elsewhere" not in fake.asked


def test_a_discovery_of_somebody_else_is_refused(root: Reader, fake: FakeIssuer) -> None:
    fake.pages[DISCOVERY]["issuer"] = "https://other.example"

    assert code(root.post(ISSUERS, json=wish(fake))) == (400, "VALIDATION_ERROR")


def test_an_empty_address_of_keys_has_it_discovered_anew(root: Reader, fake: FakeIssuer) -> None:
    path = trusted(root, fake)
    fake.pages["/moved"] = fake.pages["/keys"]
    fake.pages[DISCOVERY]["jwks_uri"] = f"{fake.url}/moved"

    assert root.patch(path, json={"jwksUrl": ""}).json["jwksUrl"] == f"{fake.url}/moved"
