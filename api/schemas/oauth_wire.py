"""The shapes of OAuth's own endpoints: forms, queries and answers of RFC 6749 and its kin.

What a request has beside these is ignored, as RFC 6749 §3.1 and §3.2 want.
"""

from typing import Any, Final

from marshmallow import EXCLUDE, Schema, fields, validate

from api.schemas.accounts import LONGEST_EMAIL
from api.schemas.logins import LONGEST_TOKEN
from api.schemas.wire import SELDOM, SHOWN_ONCE, example_id
from jobs.oauth.requests import FIELDS
from jobs.passwords import MOST

LONGEST: Final = 2_000


class Posted(Schema):
    """A form or a query of OAuth's."""

    class Meta:
        """marshmallow's configuration."""

        unknown = EXCLUDE


def _text(most: int = LONGEST, **options: Any) -> fields.String:
    return fields.String(validate=validate.Length(max=most), **options)


class AuthorizationQuery(Posted):
    """What an app sends a person with. `request`, `request_uri` and `registration` are refused."""

    client_id = _text()
    redirect_uri = _text()
    response_type = _text(metadata={"example": "code"})
    response_mode = _text()
    scope = _text(metadata={"example": "openid books:read"})
    state = _text()
    nonce = _text()
    code_challenge = _text()
    code_challenge_method = _text(metadata={"example": "S256"})
    prompt = _text()
    max_age = _text()
    request = _text(LONGEST_TOKEN)
    request_uri = _text()
    registration = _text(LONGEST_TOKEN)


_LIKE: Final = {
    "client_id": "Zx4b1oQ2mE8kT0nSwq5LhR3d",
    "redirect_uri": "https://app.example/back",
    "response_type": "code",
    "scope": "openid books:read",
    "state": "to-page-12",
    "code_challenge": "gQmxFgTLQlH0fMxo2wgNAm5OlVO-yWWirp-29ntfPi8",
    "code_challenge_method": "S256",
}
_CARRIED: Final = {
    name: _text(metadata={"example": _LIKE[name]} if name in _LIKE else {SELDOM: True})
    for name in FIELDS
}


class ConsentForm(Posted.from_dict(_CARRIED, name="CarriedByConsent")):  # type: ignore[misc]  # made
    """A person's word, and what it is about."""

    form_token = _text(load_only=True, metadata={"example": "f2Q…"})
    decision = _text(metadata={"example": "allow"})


class LoginForm(Posted.from_dict(_CARRIED, name="CarriedByLogin")):  # type: ignore[misc]  # made
    """A password, or a code after it, and what to go on with."""

    form_token = _text(load_only=True, metadata={"example": "f2Q…"})
    email = _text(LONGEST_EMAIL, metadata={"example": "reader@example.org"})
    password = _text(MOST, load_only=True, metadata={"example": "a long sentence"})
    mfa_token = _text(LONGEST_TOKEN, load_only=True, metadata={SELDOM: True})
    code = _text(32, load_only=True, metadata={SELDOM: True})


class ClientForm(Posted):
    """Who an app is, unless it says so by HTTP Basic."""

    client_id = _text()
    client_secret = _text(load_only=True)


class TokenForm(ClientForm):
    """What an app wants tokens for."""

    grant_type = _text(metadata={"example": "authorization_code"})
    code = _text(load_only=True)
    redirect_uri = _text()
    code_verifier = _text(load_only=True)
    refresh_token = _text(LONGEST_TOKEN, load_only=True)
    scope = _text()


class TokenAnswer(Schema):
    """Tokens (RFC 6749 §5.1)."""

    access_token = fields.String(
        required=True, metadata={SHOWN_ONCE: True, "example": "eyJhbGciOiJSUzI1NiIs…"}
    )
    token_type = fields.String(required=True, metadata={"example": "Bearer"})
    expires_in = fields.Integer(required=True, metadata={"example": 900})
    scope = fields.String(required=True, metadata={"example": "openid books:read offline_access"})
    refresh_token = fields.String(metadata={SHOWN_ONCE: True, "example": "ilo_…"})
    id_token = fields.String(metadata={SHOWN_ONCE: True, "example": "eyJhbGciOiJSUzI1NiIs…"})


class OneTokenForm(ClientForm):
    """A token of the app that asks."""

    token = _text(LONGEST_TOKEN, load_only=True)
    token_type_hint = _text()


class IntrospectionAnswer(Schema):
    """What an app may know of a token (RFC 7662 §2.2)."""

    active = fields.Boolean(required=True, metadata={"example": True})
    scope = fields.String(metadata={"example": "openid books:read"})
    client_id = fields.String(metadata={"example": "Zx4b1oQ2mE8kT0nSwq5LhR3d"})
    token_type = fields.String(metadata={"example": "Bearer"})
    exp = fields.Integer(metadata={"example": 1_795_176_900})
    iat = fields.Integer(metadata={"example": 1_795_176_000})
    sub = fields.String(metadata={"example": example_id("user")})
    aud = fields.String(metadata={"example": "https://ilm.example.org"})
    iss = fields.String(metadata={"example": "https://ilm.example.org"})
    jti = fields.String(metadata={"example": "5f0c…"})


class UserInfo(Schema):
    """Who somebody is, as far as the scopes go (OpenID Connect Core §5.1)."""

    sub = fields.String(required=True, metadata={"example": example_id("user")})
    name = fields.String(metadata={"example": "Ada"})
    updated_at = fields.Integer(metadata={"example": 1_795_176_000})
    email = fields.String(metadata={"example": "reader@example.org"})
    email_verified = fields.Boolean(metadata={"example": True})


class OAuthErrorSchema(Schema):
    """A refusal (RFC 6749 §5.2)."""

    error = fields.String(required=True)
    error_description = fields.String()


class DiscoverySchema(Schema):
    """What there is and where (OpenID Connect Discovery §3, RFC 8414 §2)."""

    issuer = fields.String(required=True)
    authorization_endpoint = fields.String(required=True)
    token_endpoint = fields.String(required=True)
    userinfo_endpoint = fields.String(required=True)
    jwks_uri = fields.String(required=True)
    revocation_endpoint = fields.String(required=True)
    introspection_endpoint = fields.String(required=True)
    scopes_supported = fields.List(fields.String(), required=True)
    claims_supported = fields.List(fields.String(), required=True)
    response_types_supported = fields.List(fields.String(), required=True)
    response_modes_supported = fields.List(fields.String(), required=True)
    grant_types_supported = fields.List(fields.String(), required=True)
    subject_types_supported = fields.List(fields.String(), required=True)
    prompt_values_supported = fields.List(fields.String(), required=True)
    id_token_signing_alg_values_supported = fields.List(fields.String(), required=True)
    code_challenge_methods_supported = fields.List(fields.String(), required=True)
    token_endpoint_auth_methods_supported = fields.List(fields.String(), required=True)
    revocation_endpoint_auth_methods_supported = fields.List(fields.String(), required=True)
    introspection_endpoint_auth_methods_supported = fields.List(fields.String(), required=True)
    authorization_response_iss_parameter_supported = fields.Boolean(required=True)
    request_parameter_supported = fields.Boolean(required=True)
    request_uri_parameter_supported = fields.Boolean(required=True)
    claims_parameter_supported = fields.Boolean(required=True)
    service_documentation = fields.String(required=True)
