"""The installation's one secret, and what is made of it: a key per purpose, and sealed values.

The secret is `ILM_SECRET_KEY`, or is made on first start in `$ILM_HOME/secret` (mode 600). Each
purpose has a key of its own (HKDF-SHA-256), so that one leaked key opens nothing else. A sealed
value is AES-256-GCM under its purpose's key, bound to a context such as a row's id.
"""

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from models.kernel.settings import BadSettings, Settings

KEY_BYTES: Final = 32
LEAST_CHARACTERS: Final = 32

_NONCE_BYTES: Final = 12


class Unsealable(Exception):
    """A sealed value was made under another secret, purpose or context, or was altered."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """Keys and seals made of the master secret."""

    master: bytes = field(repr=False)

    def derive(self, purpose: str) -> bytes:
        """Return the 32-byte key of a purpose; the same each time."""
        info = f"ilm/{purpose}".encode()
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(self.master)

    def seal(self, purpose: str, value: bytes, *, context: str) -> bytes:
        """Encrypt a value so that only this purpose and context open it."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + AESGCM(self.derive(purpose)).encrypt(nonce, value, context.encode())

    def unseal(self, purpose: str, sealed: bytes, *, context: str) -> bytes:
        """Return the value; raise `Unsealable` unless it was sealed so and is unaltered."""
        nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return AESGCM(self.derive(purpose)).decrypt(nonce, text, context.encode())
        except (InvalidTag, ValueError) as error:
            raise Unsealable(f"{purpose} {context}: sealed under another secret") from error


def open_secrets(settings: Settings) -> Secrets:
    """Return the secrets of this installation, made on the very first call."""
    return Secrets(master_secret(settings))


def master_secret(settings: Settings) -> bytes:
    """Return the master secret; raise `BadSettings` for one too short to be one."""
    if settings.secret_key:
        if len(settings.secret_key) < LEAST_CHARACTERS:
            raise BadSettings(f"ILM_SECRET_KEY: needs {LEAST_CHARACTERS} characters or more")
        return settings.secret_key.encode()
    path = settings.home.resolve() / "secret"
    if not path.exists():
        _make(path)
    return path.read_bytes().strip()


def _make(path: Path) -> None:
    """Write a fresh secret whole, or leave the one another process wrote first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".secret.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(secrets.token_urlsafe(KEY_BYTES).encode())
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink()
