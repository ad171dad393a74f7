"""Independent clients complete every flow, knowing the address of the discovery document alone."""

from itertools import count
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session as Authlib
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oidc.discovery import OpenIDProviderMetadata
from joserfc import jwt
from joserfc.jwk import KeySet
from requests_oauthlib import OAuth2Session as Oauthlib

from tests.api.oauth.actors import BACK, Form, claims_of

PASSWORD = "a long sentence"
WISH = {
    "name": "A reader",
    "redirectUris": [BACK],
    "scopes": ["openid", "profile", "email", "offline_access", "books:read"],
    "grantTypes": ["authorization_code", "refresh_token", "client_credentials"],
}
SCOPE = ["openid", "profile", "email", "offline_access", "books:read"]

_numbers = count(1)


@pytest.fixture
def found(stack):
    """What the discovery document says."""
    told: dict[str, str] = stack.web.call("GET", "/.well-known/openid-configuration").json()
    return told


@pytest.fixture
def email():
    return f"flow{next(_numbers)}@example.org"


@pytest.fixture
def maker(stack, email):
    return stack.web.newcomer(email)


def registered(stack, maker, **wish):
    answer = stack.web.call("POST", "/v1/oauth/apps", maker, json={**WISH, **wish})
    assert answer.status_code == 201, answer.text
    return answer.json()


def consented(address, email):
    """Do what a person with a browser does: log in, say yes; return where it leads."""
    browser = requests.Session()
    page = browser.get(address, timeout=60)
    page = _sent(browser, page, email=email, password=PASSWORD)
    answer = _sent(browser, page, decision="allow", allow_redirects=False)
    assert answer.status_code == 303, answer.text
    browser.close()
    return answer.headers["Location"]


def _sent(browser, page, *, allow_redirects=True, **typed):
    form = Form(page.text)
    action = requests.compat.urljoin(page.url, form.action)
    return browser.post(
        action, data={**form.values, **typed}, timeout=60, allow_redirects=allow_redirects
    )


def id_claims(found, token, client_id, **more):
    """Verify an ID token as a client does, by the published keys alone."""
    keys = KeySet.import_key_set(requests.get(found["jwks_uri"], timeout=60).json())
    claims = jwt.decode(token, keys, algorithms=["RS256"]).claims
    jwt.JWTClaimsRegistry(
        leeway=60,
        iss={"essential": True, "value": found["issuer"]},
        aud={"essential": True, "value": client_id},
        exp={"essential": True},
        **{name: {"essential": True, "value": value} for name, value in more.items()},
    ).validate(claims)
    return claims


def test_the_discovery_documents_are_what_their_standards_want(stack, found):
    OpenIDProviderMetadata(found).validate()
    same = stack.web.call("GET", "/.well-known/oauth-authorization-server").json()
    AuthorizationServerMetadata(same).validate()

    assert found == same
    assert found["issuer"] == stack.web.address


def test_authlib_completes_code_refresh_introspection_and_revocation(stack, found, maker, email):
    app = registered(stack, maker)
    verifier = generate_token(48)
    with Authlib(
        app["clientId"], app["clientSecret"], scope=SCOPE, redirect_uri=BACK,
        code_challenge_method="S256",
    ) as client:  # fmt: skip
        address, state = client.create_authorization_url(
            found["authorization_endpoint"], code_verifier=verifier, nonce="once"
        )
        place = consented(address, email)
        assert dict(parse_qsl(urlsplit(place).query))["iss"] == found["issuer"]
        tokens = client.fetch_token(
            found["token_endpoint"], authorization_response=place, state=state,
            code_verifier=verifier,
        )  # fmt: skip
        claims = id_claims(
            found, tokens["id_token"], app["clientId"], nonce="once", azp=app["clientId"]
        )
        person = client.get(found["userinfo_endpoint"]).json()
        assert (person["sub"], person["email"]) == (claims["sub"], email)
        assert client.get(f"{stack.web.address}/v1/books").status_code == 200

        fresh = client.refresh_token(found["token_endpoint"])
        assert fresh["refresh_token"] != tokens["refresh_token"]
        told = client.introspect_token(
            found["introspection_endpoint"], token=fresh["access_token"]
        ).json()
        assert (told["active"], told["sub"]) == (True, person["sub"])
        client.revoke_token(found["revocation_endpoint"], token=fresh["refresh_token"])
        assert client.get(found["userinfo_endpoint"]).status_code == 401


def test_requests_oauthlib_completes_code_and_refresh_without_a_secret(
    stack, found, maker, email, monkeypatch
):
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    app = registered(
        stack, maker, clientType="public", grantTypes=["authorization_code", "refresh_token"]
    )
    with Oauthlib(app["clientId"], redirect_uri=BACK, scope=SCOPE, pkce="S256") as client:
        address, _ = client.authorization_url(found["authorization_endpoint"])
        place = consented(address, email)
        tokens = client.fetch_token(
            found["token_endpoint"], authorization_response=place, include_client_id=True
        )
        id_claims(found, tokens["id_token"], app["clientId"])
        assert client.get(found["userinfo_endpoint"]).json()["email"] == email

        fresh = client.refresh_token(found["token_endpoint"], client_id=app["clientId"])
        assert client.get(found["userinfo_endpoint"]).status_code == 200
        assert fresh["refresh_token"] != tokens["refresh_token"]


def test_authlib_acts_for_an_account_by_itself(stack, found, maker):
    app = registered(stack, maker)
    with Authlib(app["clientId"], app["clientSecret"], scope="books:read") as client:
        token = client.fetch_token(found["token_endpoint"], grant_type="client_credentials")

        assert client.get(f"{stack.web.address}/v1/books").status_code == 200
        assert claims_of(token["access_token"])["sub"] == app["clientId"]
        assert client.get(found["userinfo_endpoint"]).status_code == 403


def test_an_access_token_is_what_rfc_9068_wants(stack, found, maker):
    app = registered(stack, maker)
    with Authlib(app["clientId"], app["clientSecret"], scope="books:read") as client:
        token = client.fetch_token(found["token_endpoint"], grant_type="client_credentials")

    keys = KeySet.import_key_set(requests.get(found["jwks_uri"], timeout=60).json())
    read = jwt.decode(token["access_token"], keys, algorithms=["RS256"])
    assert read.header["typ"] == "at+jwt"
    assert {"iss", "exp", "aud", "sub", "client_id", "iat", "jti", "scope"} <= set(read.claims)
    assert (read.claims["client_id"], read.claims["scope"]) == (app["clientId"], "books:read")


def test_an_answer_of_another_server_is_told_apart_by_who_it_says_it_is(found, stack, maker, email):
    """RFC 9207: a client that talks to two servers compares `iss` before it sends a code away."""
    app = registered(stack, maker)
    with Authlib(
        app["clientId"], scope=SCOPE, redirect_uri=BACK, code_challenge_method="S256"
    ) as client:
        address, _ = client.create_authorization_url(
            found["authorization_endpoint"], code_verifier=generate_token(48)
        )
    yes = dict(parse_qsl(urlsplit(consented(address, email)).query))
    no = requests.get(f"{address}&max_age=soon", timeout=60, allow_redirects=False)

    assert yes["iss"] == found["issuer"]
    assert dict(parse_qsl(urlsplit(no.headers["Location"]).query))["iss"] == found["issuer"]
    assert found["authorization_response_iss_parameter_supported"] is True
