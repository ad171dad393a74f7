"""An authenticator in software: it makes ES256 passkeys and signs with them, or cheats as told."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from typing import Any, Final

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

ORIGIN: Final = "http://127.0.0.1:8000"
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40

_numbers = count(1)

Json = dict[str, Any]


def text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def data(written: str) -> bytes:
    return urlsafe_b64decode(written + "=" * (-len(written) % 4))


@dataclass
class Authenticator:
    """One device with one passkey at most. Fields that are set are lies it tells."""

    origin: str = ORIGIN
    place: str = ""
    flags: int = PRESENT | VERIFIED
    sign_count: int = 0
    step: int = 1
    challenge: str = ""
    kind: str = ""
    is_framed: bool = False
    handle: bytes = b""
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    credential_id: bytes = field(
        default_factory=lambda: sha256(f"device {next(_numbers)}".encode()).digest()
    )

    def make(self, options: Mapping[str, Any]) -> Json:
        """Make a passkey, as `navigator.credentials.create()` would."""
        self.handle = self.handle or data(options["user"]["id"])
        head = self._head(options["rp"]["id"], self.flags | ATTESTED)
        body = head + bytes(16) + len(self.credential_id).to_bytes(2) + self.credential_id
        attestation = {"fmt": "none", "attStmt": {}, "authData": body + self._public()}
        response = {
            "clientDataJSON": text(self._said("webauthn.create", options["challenge"])),
            "attestationObject": text(cbor2.dumps(attestation)),
            "transports": ["internal", "hybrid", "pigeon"],
        }
        return self._credential(response)

    def sign(self, options: Mapping[str, Any]) -> Json:
        """Sign a challenge, as `navigator.credentials.get()` would."""
        self.sign_count += self.step
        head = self._head(options["rpId"], self.flags)
        said = self._said("webauthn.get", options["challenge"])
        signature = self.key.sign(head + sha256(said).digest(), ec.ECDSA(SHA256()))
        response = {
            "clientDataJSON": text(said),
            "authenticatorData": text(head),
            "signature": text(signature),
            "userHandle": text(self.handle),
        }
        return self._credential(response)

    def _head(self, place: str, flags: int) -> bytes:
        digest = sha256((self.place or place).encode()).digest()
        return digest + bytes([flags]) + self.sign_count.to_bytes(4)

    def _said(self, kind: str, challenge: str) -> bytes:
        said = {
            "type": self.kind or kind,
            "challenge": self.challenge or challenge,
            "origin": self.origin,
            "crossOrigin": self.is_framed,
        }
        return json.dumps(said).encode()

    def _public(self) -> bytes:
        """Return the public key as COSE writes it (RFC 9053 §7.1.1)."""
        point = self.key.public_key().public_numbers()
        x, y = point.x.to_bytes(32), point.y.to_bytes(32)
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})

    def _credential(self, response: Json) -> Json:
        name = text(self.credential_id)
        return {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "response": response,
            "clientExtensionResults": {},
        }
