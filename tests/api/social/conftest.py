"""Somebody before a browser, and two providers on loopback."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from falcon.testing import Result

from api.resources.social import COOKIE
from jobs.social.exchanging import challenge_of
from models.kernel.database import Pool
from tests.api.browser import Browser
from tests.api.conftest import Open
from tests.fakes.sign_in import CLIENT_ID, SECRET, FakeProvider

VERIFIER = "v" * 43
APP = "https://app.example"

Settle = Callable[..., Browser]


@dataclass
class Person:
    """Somebody before a browser of their own, which keeps the cookie of a sign-in."""

    browser: Browser
    verifier: str = VERIFIER
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str) -> Result:
        answer = self.browser.get(path, cookies=self.cookies)
        if COOKIE in answer.cookies:
            self.cookies = {COOKIE: answer.cookies[COOKIE].value}
        return answer

    def begin(self, name: str = "google", return_to: str = "/") -> Result:
        challenge = challenge_of(self.verifier)
        query = f"return_to={quote(return_to, safe='')}&code_challenge={challenge}"
        return self.get(f"/v1/auth/social/{name}?{query}")

    def come_back(self, provider: FakeProvider, name: str = "google", **answer: str) -> Result:
        """Go there, say yes, and come back."""
        return self.get(provider.consent(self.begin(name).headers["Location"], **answer))

    def redeem(self, answer: Result, **own: Any) -> Result:
        body = {"login_code": told(answer)["login_code"], "code_verifier": self.verifier, **own}
        return self.browser.post("/v1/auth/social/token", json=body)

    def sign_in(self, provider: FakeProvider, name: str = "google") -> dict[str, str]:
        """Sign in; return the headers of the login."""
        answer = self.redeem(self.come_back(provider, name))
        assert answer.status_code == 200, answer.json
        return {"Authorization": f"Bearer {answer.json['access_token']}"}


def told(answer: Result) -> dict[str, str]:
    """Return the query of where somebody is sent on to."""
    assert answer.status_code == 302, answer.text
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with FakeProvider() as running:
        yield running


@pytest.fixture
def other() -> Iterator[FakeProvider]:
    with FakeProvider() as running:
        yield running


@pytest.fixture
def settle(
    database: Pool, open_browser: Open, provider: FakeProvider, other: FakeProvider
) -> Settle:
    """Open an app that offers a Google, a GitHub and another issuer."""

    def make(**own: Any) -> Browser:
        usual = {
            "google_client_id": CLIENT_ID,
            "google_client_secret": SECRET,
            "google_issuer_url": provider.url,
            "github_client_id": CLIENT_ID,
            "github_client_secret": SECRET,
            "github_base_url": provider.url,
            "github_api_url": provider.url,
            "oidc_client_id": CLIENT_ID,
            "oidc_client_secret": SECRET,
            "oidc_issuer_url": other.url,
            "egress_allow": ("127.0.0.0/8",),
            "cors_origins": (APP,),
        }
        return open_browser(**{**usual, **own})

    return make


@pytest.fixture
def browser(settle: Settle) -> Browser:
    return settle()


@pytest.fixture
def somebody(browser: Browser) -> Person:
    return Person(browser)
