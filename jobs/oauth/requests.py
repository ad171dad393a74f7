"""Requests for authorization, read (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1).

First who asks and where the answer would go: while that is in doubt, nobody is sent anywhere. Then
the rest, whose faults the app is told at its redirect URI.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from jobs.oauth.apps import CODE
from jobs.oauth.redirects import answered, is_local, is_registered
from jobs.oauth.scopes import asked_for
from models.kernel.denials import AppRefused, InvalidScope
from models.oauth import App

FIELDS: Final = (
    "client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "code_challenge",
    "code_challenge_method", "prompt", "max_age",
)  # fmt: skip
"""What is read of a request; pages carry these along."""

NONE: Final = "none"
LOGIN: Final = "login"
CONSENT: Final = "consent"

_PROMPTS: Final = frozenset({NONE, LOGIN, CONSENT})
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_SECONDS: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_LONGEST: Final = 1_000
_UNTAKEN: Final[Mapping[str, str]] = {
    "request": "request_not_supported",
    "request_uri": "request_uri_not_supported",
    "registration": "registration_not_supported",
}


class Declined(Exception):
    """What an app is told at its redirect URI instead of a code."""

    def __init__(self, code: str, words: str) -> None:
        """Take the code of RFC 6749 §4.1.2.1 or OpenID Connect Core §3.1.2.6, and the words."""
        super().__init__(code)
        self.code = code
        self.words = words


@dataclass(frozen=True, slots=True)
class Target:
    """Which app asks, and where its answer goes; both are beyond doubt."""

    app: App
    redirect_uri: str
    state: str

    @property
    def is_assured(self) -> bool:
        """Whether it is surely this app that gets the answer: any program may listen locally."""
        return self.app.is_confidential or not is_local(self.redirect_uri)

    def answer(self, issuer: str, **told: str) -> str:
        """Return where a person is sent with an answer; it says who answers (RFC 9207)."""
        state = {"state": self.state} if self.state else {}
        return answered(self.redirect_uri, {**told, **state, "iss": issuer})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that can be granted. `max_age` is in seconds, None when any login will do."""

    target: Target
    scopes: frozenset[str]
    challenge: str
    nonce: str | None
    prompts: frozenset[str]
    max_age: int | None
    fields: Mapping[str, str]
    """What it was read from, to be asked again."""


def target_of(fields: Mapping[str, str]) -> Target:
    """Return who asks; raise `AppRefused` for an app or a redirect URI that is not registered."""
    app = App.by_client_id(fields.get("client_id", ""))
    if app is None:
        raise AppRefused("no app has this client_id")
    uri = fields.get("redirect_uri", "")
    if not is_registered(uri, app.redirect_uris):
        raise AppRefused("this redirect_uri is not one that the app registered")
    state = fields.get("state", "")
    return Target(app, uri, state if len(state) <= _LONGEST else "")


def read(fields: Mapping[str, str], target: Target) -> Asked:
    """Return what an app asks for; raise `Declined` for what it cannot have."""
    _check_kind(fields, target.app)
    _check_challenge(fields)
    nonce = fields.get("nonce")
    if max(len(nonce or ""), len(fields.get("state", ""))) > _LONGEST:
        raise Declined("invalid_request", f"state and nonce have at most {_LONGEST} characters")
    return Asked(
        target=target,
        scopes=_scopes(fields, target.app),
        challenge=fields["code_challenge"],
        nonce=nonce,
        prompts=_prompts(fields),
        max_age=_max_age(fields),
        fields={name: fields[name] for name in FIELDS if name in fields},
    )


def _check_kind(fields: Mapping[str, str], app: App) -> None:
    for name, code in _UNTAKEN.items():
        if name in fields:
            raise Declined(code, f"{name} is not taken here")
    if CODE not in app.grant_types:
        raise Declined("unauthorized_client", f"the app is not registered for {CODE}")
    if not fields.get("response_type"):
        raise Declined("invalid_request", "response_type is missing")
    if fields["response_type"] != "code":
        raise Declined("unsupported_response_type", "response_type is code")
    if fields.get("response_mode", "query") != "query":
        raise Declined("invalid_request", "response_mode is query")


def _check_challenge(fields: Mapping[str, str]) -> None:
    """Want PKCE of every app, and no weaker than S256 (RFC 7636 §4.2, RFC 9700 §2.1.1)."""
    if not fields.get("code_challenge"):
        raise Declined("invalid_request", "code_challenge is missing")
    if fields.get("code_challenge_method") != "S256":
        raise Declined("invalid_request", "code_challenge_method is S256")
    if not _CHALLENGE.fullmatch(fields["code_challenge"]):
        raise Declined("invalid_request", "code_challenge is no SHA-256 in base64url")


def _scopes(fields: Mapping[str, str], app: App) -> frozenset[str]:
    try:
        scopes = asked_for(fields.get("scope", ""), frozenset(app.scopes))
    except InvalidScope as error:
        raise Declined("invalid_scope", str(error)) from error
    if not scopes:
        raise Declined("invalid_scope", "no scope is asked for")
    return scopes


def _prompts(fields: Mapping[str, str]) -> frozenset[str]:
    prompts = frozenset(fields.get("prompt", "").split(" ")) - {""}
    if prompts - _PROMPTS or (NONE in prompts and len(prompts) > 1):
        raise Declined("invalid_request", "prompt is none, or login and consent")
    return prompts


def _max_age(fields: Mapping[str, str]) -> int | None:
    text = fields.get("max_age")
    if text is not None and not _SECONDS.fullmatch(text):
        raise Declined("invalid_request", "max_age is a number of seconds")
    return None if text is None else int(text)
