"""Factories of apps, of what was granted to them, and of what came of it."""

from typing import Any

from models.oauth import App, Authorization, Grant
from tests.login_factories import LATER, NOW, digest
from tests.making import made, numbers, person


def oauth_app(**given: Any) -> App:
    """An app that has a secret and reads books."""
    owner = person()
    usual = {
        "account": owner.account_id,
        "user": owner.id,
        "client_id": f"client{next(numbers)}",
        "secret_digest": digest(),
        "name": "A reader",
        "redirect_uris": ["https://reader.example/back"],
        "scopes": ["books:read", "openid"],
        "grant_types": ["authorization_code"],
        "created_at": NOW,
        "updated_at": NOW,
    }
    return made(App, {**usual, **given})


def oauth_grant(**given: Any) -> Grant:
    """What somebody granted an app."""
    who = person()
    usual = {"account": who.account_id, "user": who.id, "scopes": ["openid"]}
    app = given.pop("app", None) or oauth_app().id
    return made(Grant, {**usual, "app": app, "created_at": NOW, "updated_at": NOW, **given})


def oauth_authorization(**given: Any) -> Authorization:
    """A code that nobody has redeemed."""
    grant = oauth_grant()
    usual = {
        "account": grant.account_id,
        "user": grant.user_id,
        "app": grant.app_id,
        "grant": grant.id,
        "scopes": ["openid"],
        "code_digest": digest(),
        "authenticated_at": NOW,
        "rotated_at": NOW,
        "created_at": NOW,
        "expires_at": LATER,
    }
    return made(Authorization, {**usual, **given})
