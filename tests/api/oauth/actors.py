"""What tests of OAuth act with: an app, and somebody before a browser who reads its pages."""

import json
import secrets
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from falcon.testing import Result

from tests.api.browser import Browser
from tests.api.conftest import PASSWORD

BACK = "https://reader.example/back"
SCOPES = ["openid", "profile", "email", "offline_access", "books:read", "books:write"]
EVERY_GRANT = ["authorization_code", "refresh_token", "client_credentials"]
FORM = "application/x-www-form-urlencoded"


class Form(HTMLParser):
    """The one form of a page: where it goes, and what it holds."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.action = ""
        self.values: dict[str, str] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = told["action"]
        if tag == "input":
            self.values[told["name"]] = told.get("value", "")


@dataclass
class Visitor:
    """Somebody before a browser that keeps cookies."""

    browser: Browser
    email: str
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str) -> Result:
        return self._kept(self.browser.get(path, headers=self._headers()))

    def post(self, path: str, values: dict[str, str]) -> Result:
        headers = {**self._headers(), "Content-Type": FORM}
        return self._kept(self.browser.post(path, body=urlencode(values), headers=headers))

    def submit(self, page: Result, **typed: str) -> Result:
        form = Form(page.text)
        return self.post(form.action, {**form.values, **typed})

    def log_in(self, page: Result, password: str = PASSWORD) -> Result:
        return self.submit(page, email=self.email, password=password)

    def consent(self, path: str, decision: str = "allow") -> Result:
        """Log in if need be, and say yes or no."""
        page = self.get(path)
        if "password" in Form(page.text).values:
            page = self.get(self.log_in(page).headers["Location"])
        return self.submit(page, decision=decision) if page.status_code == 200 else page

    def _headers(self) -> dict[str, str]:
        kept = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"Cookie": kept} if kept else {}

    def _kept(self, answer: Result) -> Result:
        self.cookies |= {name: each.value for name, each in answer.cookies.items()}
        return answer


@dataclass
class Client:
    """An app as its maker sees it: what it was registered with, and what it sends."""

    browser: Browser
    told: dict[str, Any]
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def id(self) -> str:
        return str(self.told["clientId"])

    def address(self, **changes: str | None) -> str:
        """Return where it sends people; None leaves a field out."""
        usual = {
            "response_type": "code",
            "client_id": self.id,
            "redirect_uri": BACK,
            "scope": "openid books:read offline_access",
            "state": "a state",
            "nonce": "a nonce",
            "code_challenge": challenge(self.verifier),
            "code_challenge_method": "S256",
        }
        fields = {name: value for name, value in {**usual, **changes}.items() if value is not None}
        return f"/oauth/authorize?{urlencode(fields)}"

    def post(self, path: str, *, shown: bool = True, **fields: str) -> Result:
        """Post a form, with the secret by HTTP Basic if there is one."""
        headers = {"Content-Type": FORM}
        if shown and self.told["clientSecret"]:
            pair = f"{self.id}:{self.told['clientSecret']}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        elif "client_id" not in fields:
            fields["client_id"] = self.id
        return self.browser.post(path, body=urlencode(fields), headers=headers)

    def redeem(self, code: str, **changes: str) -> Result:
        fields = {"code": code, "redirect_uri": BACK, "code_verifier": self.verifier, **changes}
        return self.post("/oauth/token", grant_type="authorization_code", **fields)

    def refresh(self, token: str, **changes: str) -> Result:
        fields = {"grant_type": "refresh_token", "refresh_token": token, **changes}
        return self.post("/oauth/token", **fields)

    def active(self, token: str) -> bool:
        """Ask what a token is good for."""
        return bool(self.post("/oauth/introspect", token=token).json["active"])


def registered(browser: Browser, me: dict[str, str], **wish: Any) -> Client:
    """Register an app that may do all there is, unless the wish says otherwise."""
    usual = {
        "name": "A reader",
        "redirectUris": [BACK],
        "scopes": SCOPES,
        "grantTypes": EVERY_GRANT,
    }
    answer = browser.post("/v1/oauth/apps", headers=me, json={**usual, **wish})
    assert answer.status_code == 201, answer.text
    return Client(browser, answer.json)


def claims_of(token: str) -> dict[str, Any]:
    """Read a token without asking whether it holds."""
    body = token.split(".")[1]
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims


def challenge(verifier: str) -> str:
    digest = sha256(verifier.encode()).digest()
    return urlsafe_b64encode(digest).decode().rstrip("=")


def told_at(answer: Result) -> dict[str, str]:
    """Return what an app is told at its redirect URI."""
    assert answer.status_code == 303, answer.text
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def opens(browser: Browser, token: str, path: str = "/v1/books") -> int:
    """Call a route with a token; return the status."""
    return browser.get(path, headers=bearer(token)).status_code


def refusal(answer: Result) -> tuple[int, str]:
    """Return how an app is refused."""
    return answer.status_code, answer.json["error"]


def asks_for(page: Result) -> str:
    """Return what a page asks for: a password, a code, a word."""
    assert page.status_code == 200, page.text
    values = Form(page.text).values
    return next((name for name in ("password", "code") if name in values), "a word")
