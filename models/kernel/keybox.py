"""The key box: what a web process seals in it, only an LLM worker can open (X-4).

An X25519 key pair. A sealed value is a public key made for it alone and then ChaCha20-Poly1305,
under a key that HKDF-SHA-256 makes of both public keys and what they share, bound to a context. The
pair is `ILM_KEY_BOX`, or is made on first use in `$ILM_HOME/keybox` (mode 600). Web needs the
public half alone, so that whoever reads all it knows opens nothing.
"""

import os
import secrets
import sys
from base64 import b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from models.kernel.secrets import KEY_BYTES, Unsealable
from models.kernel.settings import BadSettings, Settings

PRIVATE: Final = "private"
PUBLIC: Final = "public"

_NONCE_BYTES: Final = 12
_PURPOSE: Final = b"ilm/keybox/1"


@dataclass(frozen=True, slots=True)
class Slot:
    """The public half: whatever goes in, it cannot take out again. `public` is 32 bytes."""

    public: bytes

    def seal(self, value: bytes, *, context: str) -> bytes:
        """Encrypt a value so that only the private half opens it, and in this context alone."""
        once = X25519PrivateKey.generate()
        begun = once.public_key().public_bytes_raw()
        shared = once.exchange(X25519PublicKey.from_public_bytes(self.public))
        cipher, nonce = _cipher(shared, begun, self.public)
        return begun + cipher.encrypt(nonce, value, context.encode())

    @property
    def setting(self) -> str:
        """What `ILM_KEY_BOX` is for processes that only seal."""
        return _written(PUBLIC, self.public)


@dataclass(frozen=True, slots=True)
class KeyBox:
    """The private half, 32 bytes, and with it the whole box."""

    private: bytes = field(repr=False)

    @property
    def slot(self) -> Slot:
        """The public half."""
        return Slot(
            X25519PrivateKey.from_private_bytes(self.private).public_key().public_bytes_raw()
        )

    @property
    def setting(self) -> str:
        """What `ILM_KEY_BOX` is for LLM workers."""
        return _written(PRIVATE, self.private)

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """Return the value; raise `Unsealable` unless it was sealed so and is unaltered."""
        begun, text = sealed[:KEY_BYTES], sealed[KEY_BYTES:]
        mine = X25519PrivateKey.from_private_bytes(self.private)
        try:
            shared = mine.exchange(X25519PublicKey.from_public_bytes(begun))
            cipher, nonce = _cipher(shared, begun, self.slot.public)
            return cipher.decrypt(nonce, text, context.encode())
        except (InvalidTag, ValueError) as error:
            raise Unsealable("sealed for another key box or context") from error


def open_slot(settings: Settings) -> Slot:
    """Return what web seals with; raise `BadSettings` for a setting that is no key."""
    kind, key = _setting(settings)
    return Slot(key) if kind == PUBLIC else KeyBox(key).slot


def open_key_box(settings: Settings) -> KeyBox:
    """Return what an LLM worker opens with; raise `BadSettings` when it has no private key."""
    kind, key = _setting(settings)
    if kind == PUBLIC:
        raise BadSettings("ILM_KEY_BOX: an LLM worker needs the private key (private:…)")
    return KeyBox(key)


def _setting(settings: Settings) -> tuple[str, bytes]:
    """Return which half there is, and its bytes."""
    if settings.key_box:
        return _read(settings.key_box)
    path = settings.home.resolve() / "keybox"
    if not path.exists():
        _make(path)
    return _read(path.read_text("ascii").strip())


def _read(setting: str) -> tuple[str, bytes]:
    kind, _, text = setting.partition(":")
    try:
        key = b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (NotBase64, ValueError):
        key = b""
    if kind not in {PRIVATE, PUBLIC} or len(key) != KEY_BYTES:
        raise BadSettings("ILM_KEY_BOX: must be private:… or public:… and 32 bytes in base64url")
    return kind, key


def _written(kind: str, key: bytes) -> str:
    return f"{kind}:{urlsafe_b64encode(key).decode().rstrip('=')}"


def _cipher(shared: bytes, begun: bytes, public: bytes) -> tuple[ChaCha20Poly1305, bytes]:
    """Return the cipher and the nonce of one sealed value: neither is ever used for another."""
    made = HKDF(
        algorithm=SHA256(),
        length=KEY_BYTES + _NONCE_BYTES,
        salt=None,
        info=_PURPOSE + begun + public,
    ).derive(shared)
    return ChaCha20Poly1305(made[:KEY_BYTES]), made[KEY_BYTES:]


def _make(path: Path) -> None:
    """Write a fresh box whole, or leave the one another process wrote first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".keybox.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(KeyBox(X25519PrivateKey.generate().private_bytes_raw()).setting.encode())
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink()


if __name__ == "__main__":
    made = KeyBox(X25519PrivateKey.generate().private_bytes_raw())
    sys.stdout.write(f"FLEET_KEY_BOX={made.setting}\nFLEET_KEY_SLOT={made.slot.setting}\n")
