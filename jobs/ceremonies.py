"""Ceremonies: WebAuthn as `webauthn` speaks it, and no word of that library beyond this file.

Options are what a browser's `parseCreationOptionsFromJSON` and `parseRequestOptionsFromJSON` take;
credentials are what its `toJSON` gives (Web Authentication Level 3, §5.1.8 – §5.1.10).
"""

import json
import struct
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import webauthn
from cryptography.exceptions import UnsupportedAlgorithm
from webauthn.helpers import base64url_to_bytes, options_to_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from models.accounts import Person

NAME: Final = "Ilm"
MILLISECONDS: Final = 300_000

_VERIFIED: Final = UserVerificationRequirement.REQUIRED
_FAULTS: Final = (
    WebAuthnException, ValueError, TypeError, LookupError, AttributeError, struct.error,
    UnsupportedAlgorithm,
)  # fmt: skip
_TRANSPORTS: Final = frozenset(each.value for each in AuthenticatorTransport)


class NotShown(Exception):
    """What came is no proof that an authenticator of this place signed this challenge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """A new credential, as its authenticator describes it."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    transports: tuple[str, ...]
    is_backed_up: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A credential that has signed, with its user verified: how often, and if it is copied."""

    sign_count: int
    is_backed_up: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """What an answer says before anything of it is believed.

    `is_framed`: it was given to a page that stands inside another's.
    """

    credential_id: bytes
    challenge: bytes
    user_handle: bytes
    is_framed: bool


class Ceremonies:
    """Writes options and checks answers, for the place that the public address names."""

    def __init__(self, base_url: str) -> None:
        """Take the public address; its host is the relying party, and it alone the origin."""
        place = urlsplit(base_url)
        self._place = place.hostname or ""
        self._origin = f"{place.scheme}://{place.netloc}"

    def enrolment(
        self, person: Person, challenge: bytes, known: Sequence[bytes]
    ) -> Mapping[str, Any]:
        """Return the options to make a credential with, on an authenticator that has none yet."""
        made = webauthn.generate_registration_options(
            rp_id=self._place,
            rp_name=NAME,
            user_id=person.id.bytes,
            user_name=person.email,
            user_display_name=person.name or person.email,
            challenge=challenge,
            timeout=MILLISECONDS,
            exclude_credentials=_described(known),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=_VERIFIED
            ),
        )
        return _plain(options_to_json(made))

    def request(self, challenge: bytes, allowed: Sequence[bytes] = ()) -> Mapping[str, Any]:
        """Return the options to sign a challenge with; any credential of this place when empty."""
        made = webauthn.generate_authentication_options(
            rp_id=self._place,
            challenge=challenge,
            timeout=MILLISECONDS,
            allow_credentials=_described(allowed),
            user_verification=_VERIFIED,
        )
        return _plain(options_to_json(made))

    def claim(self, credential: Mapping[str, Any]) -> Claim:
        """Return what an answer claims; raise `NotShown` when it cannot be read."""
        with _translated():
            response = credential["response"]
            said = json.loads(base64url_to_bytes(response["clientDataJSON"]))
            return Claim(
                base64url_to_bytes(credential["rawId"]),
                base64url_to_bytes(said["challenge"]),
                base64url_to_bytes(response.get("userHandle") or ""),
                bool(said.get("crossOrigin")),
            )

    def enrolled(self, credential: Mapping[str, Any], challenge: bytes) -> Enrolled:
        """Check a new credential; raise `NotShown`."""
        with _translated():
            found = webauthn.verify_registration_response(
                credential=dict(credential),
                expected_challenge=challenge,
                expected_rp_id=self._place,
                expected_origin=self._origin,
                require_user_verification=True,
            )
            given = credential["response"].get("transports") or ()
            return Enrolled(
                credential_id=found.credential_id,
                public_key=found.credential_public_key,
                sign_count=found.sign_count,
                transports=tuple(sorted(_TRANSPORTS & set(given))),
                is_backed_up=found.credential_backed_up,
            )

    def shown(self, credential: Mapping[str, Any], challenge: bytes, public_key: bytes) -> Shown:
        """Check a signature; raise `NotShown`. The count is the caller's to compare."""
        with _translated():
            found = webauthn.verify_authentication_response(
                credential=dict(credential),
                expected_challenge=challenge,
                expected_rp_id=self._place,
                expected_origin=self._origin,
                credential_public_key=public_key,
                credential_current_sign_count=0,
                require_user_verification=True,
            )
            return Shown(found.new_sign_count, found.credential_backed_up)


@contextmanager
def _translated() -> Generator[None]:
    """Let none of the library's errors through, nor what odd input makes of it."""
    try:
        yield
    except _FAULTS as error:
        raise NotShown from error


def _described(credentials: Sequence[bytes]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=each) for each in credentials]


def _plain(text: str) -> Mapping[str, Any]:
    plain: Mapping[str, Any] = json.loads(text)
    return plain
