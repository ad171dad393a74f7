"""Who may do what: every route of the reference, asked by everybody (A-21 – A-23).

What a route needs is read from its own description, what a role carries from the catalogue; which
routes are open to all, and which are an administrator's, is written down here.
"""

import json
import re
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count
from typing import Any, Final

import pytest

from models.kernel.database import Pool
from models.kernel.ids import new_id, wire_id
from models.roles import permissions, permissions_in_organization, permissions_of, roles
from tests.api.conftest import Stack
from tests.factories import api_key
from tests.making import person
from tests.organization_factories import membership
from tests.reference import FOLDER

REFERENCE: Final = json.loads((FOLDER / "openapi.json").read_text(encoding="utf-8"))
ROUTES: Final = {
    f"{method.upper()} {path}": operation
    for path, operations in REFERENCE["paths"].items()
    for method, operation in operations.items()
}
OPEN: Final = {
    "GET /health", "GET /health/{dependency}", "POST /v1/auth/register", "POST /v1/auth/login",
    "GET /.well-known/jwks.json", "GET /v1/openapi.json", "GET /docs", "GET /errors/{code}",
    "POST /v1/auth/refresh", "POST /v1/auth/verify-email", "POST /v1/auth/password/forgot",
    "POST /v1/auth/password/reset", "POST /v1/auth/mfa/verify", "POST /v1/auth/mfa/email/send",
    "GET /metrics", "GET /.well-known/openid-configuration",
    "GET /.well-known/oauth-authorization-server", "GET /oauth/authorize", "POST /oauth/authorize",
    "GET /v1/auth/providers", "GET /v1/auth/social/{provider}",
    "GET /v1/auth/social/{provider}/callback", "POST /v1/auth/social/token",
    "POST /oauth/login", "POST /oauth/token", "POST /oauth/revoke", "POST /oauth/introspect",
    "POST /v1/auth/verify-email/resend", "GET /verify-email",
    "GET /reset-password", "POST /v1/auth/passkeys/login/options", "POST /v1/auth/passkeys/login",
    "POST /v1/auth/mfa/passkey/options", "POST /v1/billing/stripe",
}  # fmt: skip
"""The routes that ask for no credential, or for one of their own: a token from a letter, a refresh
token, that of the metrics, an app's secret, the login of a browser, Stripe's signature."""
SIGNED: Final = {
    *(f"GET /v1/books/{{book_id}}/pages/{tier}/{{name}}"
      for tier in ("thumbnail", "medium", "high-res", "ultra")),
    "GET /v1/books/{book_id}/covers/{name}", "GET /v1/users/{user_id}/avatars/{name}",
}  # fmt: skip
"""The routes whose address is the credential: it is signed, or the book is public."""
NO_KEYS: Final = {
    "POST /v1/auth/logout", "GET /v1/auth/sessions", "DELETE /v1/auth/sessions/{session_id}",
    "GET /v1/auth/mfa", "POST /v1/auth/mfa/totp", "DELETE /v1/auth/mfa/totp",
    "POST /v1/auth/mfa/email", "DELETE /v1/auth/mfa/email", "POST /v1/auth/mfa/recovery-codes",
    "GET /v1/oauth/apps", "POST /v1/oauth/apps", "GET /v1/oauth/apps/{app_id}",
    "PATCH /v1/oauth/apps/{app_id}", "DELETE /v1/oauth/apps/{app_id}",
    "POST /v1/oauth/apps/{app_id}/rotate-secret", "GET /v1/oauth/grants",
    "DELETE /v1/oauth/grants/{grant_id}", "GET /oauth/userinfo", "POST /oauth/userinfo",
    "POST /v1/auth/passkeys/options", "GET /v1/auth/passkeys",
    "DELETE /v1/auth/passkeys/{passkey_id}",
    "GET /v1/auth/identities", "DELETE /v1/auth/identities/{identity_id}",
}  # fmt: skip
"""The routes that are for whoever has logged in, or for an app's token, and for no API key."""
ADMINISTRATORS: Final = {"users:admin", "billing:admin", "system:admin", "roles:admin"}
PAST: Final = datetime(2020, 1, 1, tzinfo=UTC)
SAMPLE: Final = {"integer": "1", "string": "nothing"}

_numbers = count(1)


def needed(route: str) -> str | None:
    """Return the permission a route asks for; None: it asks for none in particular."""
    found = re.search(r"Needs `([a-z:]+)`\.", ROUTES[route]["description"])
    return found[1] if found else None


def address_of(route: str) -> tuple[str, str]:
    """Return a method and a path with ids of nothing."""
    method, path = route.split(" ", 1)
    for field in ROUTES[route]["parameters"]:
        if field["in"] == "path":
            shape = field["schema"]
            sample = shape["pattern"].strip("^") + new_id().hex if "pattern" in shape else None
            path = path.replace(f"{{{field['name']}}}", sample or SAMPLE[shape["type"]])
    return method, path


def key_of(role: str, **given: Any) -> str:
    """Return a key of somebody new who has a role."""
    secret = f"ilm_live_{next(_numbers):043d}"
    api_key(person(role=role), digest=sha256(secret.encode()).digest(), **given)
    return secret


def ask(stack: Stack, route: str, key: str, **headers: str) -> int:
    """Call a route, without a body; return the status."""
    method, path = address_of(route)
    with stack.call(method, path, key, stream=True, headers=headers) as answer:
        return answer.status_code


def in_organization(role: str) -> tuple[str, dict[str, str]]:
    """Return a key of a super_admin who is in an organization, and the header to act for it."""
    somebody = person(role="super_admin")
    place = membership(somebody, role=role).account_id
    secret = f"ilm_live_{next(_numbers):043d}"
    api_key(somebody, digest=sha256(secret.encode()).digest())
    return secret, {"X-Organization": wire_id("org", place)}


def test_the_routes_that_are_open_to_all_are_these() -> None:
    assert {route for route, told in ROUTES.items() if told["security"] == []} == OPEN | SIGNED


def test_an_administrators_routes_need_an_administrators_permission() -> None:
    theirs = {route for route in ROUTES if " /v1/admin/" in route}

    assert {route for route in theirs if needed(route) not in ADMINISTRATORS} == set()
    assert {route for route in ROUTES if needed(route) in ADMINISTRATORS} == theirs


def test_only_administrators_carry_an_administrators_permission() -> None:
    carriers = {role for role in roles() if permissions_of(role) & ADMINISTRATORS}

    assert carriers == {"admin", "super_admin"}
    assert all(permission.endswith(":read") for permission in permissions_of("viewer"))


def test_every_permission_is_asked_for_by_a_route_or_is_kept_for_one() -> None:
    asked = {needed(route) for route in ROUTES} - {None}

    assert asked <= permissions()


@pytest.mark.parametrize("route", sorted(set(ROUTES) - OPEN - SIGNED))
def test_a_route_is_closed_to_whoever_may_not_and_open_to_whoever_may(
    stack: Stack, database: Pool, route: str
) -> None:
    need = needed(route)
    closed = {
        "nobody": "",
        "a made up key": f"ilm_live_{'x' * 43}",
        "a made up token": "eyJhbGciOiJub25lIn0.e30.",
        "an expired key": key_of("super_admin", expires_at=PAST),
        "a revoked key": key_of("super_admin", revoked_at=PAST),
    }
    assert {who: ask(stack, route, key) for who, key in closed.items()} == dict.fromkeys(
        closed, 401
    )

    came = {role: ask(stack, route, key_of(role)) for role in roles()}
    refused = {role for role, status in came.items() if status == 403}
    may_not = {role for role in roles() if need and need not in permissions_of(role)}
    assert refused == (set(roles()) if route in NO_KEYS else may_not)
    assert {role: status for role, status in came.items() if status in {401, 500}} == {}

    viewer, acting = in_organization("viewer")
    assert ask(stack, route, key_of("super_admin"), **acting) == 404, "a wrong organization"
    is_closed = route in NO_KEYS or (need and need not in permissions_in_organization("viewer"))
    assert (ask(stack, route, viewer, **acting) == 403) == bool(is_closed), "a viewer of it"

    if need:
        others = sorted(permissions() - {need})
        assert ask(stack, route, key_of("super_admin", scopes=others)) == 403
