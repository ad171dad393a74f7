"""Signatures of deliveries: Standard Webhooks, symmetric and not, and our own beside them (X-8).

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md: what is
signed is `id.timestamp.body`, by HMAC-SHA-256 (`v1`) and Ed25519 (`v1a`). `X-ILM-Signature` is
`t=<unix>,v1=<hex>` over `timestamp.body` by the same key. While a secret is exchanged each of them
signs, the newest first.
"""

import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

MARK: Final = "whsec_"
PUBLIC_MARK: Final = "whpk_"
ID: Final = "webhook-id"
TIMESTAMP: Final = "webhook-timestamp"
SIGNATURE: Final = "webhook-signature"
KEY_BYTES: Final = 32
"""Of each half of a secret: the key of HMAC, then the seed of Ed25519 (RFC 8032)."""


@dataclass(frozen=True, slots=True)
class Secret:
    """What an endpoint's deliveries are signed with; `raw` is key and seed in one."""

    raw: bytes = field(repr=False)

    @property
    def key(self) -> bytes:
        """The key of HMAC."""
        return self.raw[:KEY_BYTES]

    @property
    def shown(self) -> str:
        """The key as its owner sees it, once: `whsec_…`."""
        return MARK + b64encode(self.key).decode()

    @property
    def public_key(self) -> bytes:
        """What verifies `v1a`."""
        return self._signer.public_key().public_bytes_raw()

    @property
    def _signer(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.raw[KEY_BYTES:])

    def signatures(self, content: bytes) -> tuple[str, str]:
        """Return `v1` and `v1a` of Standard Webhooks."""
        return (
            standard_signature(self.key, content),
            "v1a," + b64encode(self._signer.sign(content)).decode(),
        )


def new_secret() -> Secret:
    """Make a secret."""
    return Secret(secrets.token_bytes(2 * KEY_BYTES))


def shown_public_key(public_key: bytes) -> str:
    """Write a public key as its owner sees it: `whpk_…`."""
    return PUBLIC_MARK + b64encode(public_key).decode()


def signed_content(message_id: str, moment: int, body: bytes) -> bytes:
    """Return the bytes that Standard Webhooks signs."""
    return b".".join((message_id.encode(), str(moment).encode(), body))


def own_content(moment: int, body: bytes) -> bytes:
    """Return the bytes that `X-ILM-Signature` signs."""
    return b".".join((str(moment).encode(), body))


def signed_headers(
    keys: Sequence[Secret], message_id: str, moment: int, body: bytes, own: str
) -> Mapping[str, str]:
    """Return the headers that a delivery is signed with; `own` is what ours is called."""
    content, plain = signed_content(message_id, moment, body), own_content(moment, body)
    standard = [signature for secret in keys for signature in secret.signatures(content)]
    ours = [f"v1={own_signature(secret.key, plain)}" for secret in keys]
    return {
        ID: message_id,
        TIMESTAMP: str(moment),
        SIGNATURE: " ".join(standard),
        own: ",".join((f"t={moment}", *ours)),
    }


def is_signed(keys: Sequence[Secret], headers: Mapping[str, str], body: bytes) -> bool:
    """Say whether any `v1` among a delivery's headers is any of these keys'."""
    content = b".".join((headers[ID].encode(), headers[TIMESTAMP].encode(), body))
    given = headers[SIGNATURE].split(" ")
    ours = [secret.signatures(content)[0] for secret in keys]
    return any(same(each, known) for each in given for known in ours)


def same(given: str, ours: str) -> bool:
    """Compare two signatures in a time that tells nothing of where they differ."""
    return hmac.compare_digest(given.encode(), ours.encode())


def own_signature(key: bytes, content: bytes) -> str:
    """Return what `v1=` of `X-ILM-Signature` holds."""
    return _hmac(key, content).hex()


def standard_signature(key: bytes, content: bytes) -> str:
    """Return `v1` of Standard Webhooks by a key."""
    return "v1," + b64encode(_hmac(key, content)).decode()


def read_secret(shown: str) -> bytes:
    """Return the key of a secret as its owner sees it; raise `ValueError` for anything else."""
    return b64decode(shown.removeprefix(MARK), validate=True)


def _hmac(key: bytes, content: bytes) -> bytes:
    return hmac.digest(key, content, "sha256")
