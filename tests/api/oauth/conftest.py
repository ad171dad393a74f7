"""Somebody before a browser, an app, and what the app has got of them."""

from typing import Any

import pytest

from tests.api.browser import Browser
from tests.api.oauth.actors import Client, Visitor, registered, told_at


@pytest.fixture
def ada(browser: Browser, me: dict[str, str], email: str) -> Visitor:
    """Who is logged in elsewhere, and not before this browser."""
    return Visitor(browser, email)


@pytest.fixture
def app(browser: Browser, me: dict[str, str]) -> Client:
    """An app that she has registered herself."""
    return registered(browser, me)


@pytest.fixture
def code(ada: Visitor, app: Client) -> str:
    """A code of hers that the app has not redeemed."""
    return told_at(ada.consent(app.address()))["code"]


@pytest.fixture
def tokens(app: Client, code: str) -> dict[str, Any]:
    """What the app got for the code."""
    told: dict[str, Any] = app.redeem(code).json
    return told
