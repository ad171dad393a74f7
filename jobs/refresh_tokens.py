"""Refresh tokens: a chain in which each is the HMAC of the one before (A-04).

A token names its login and its place in the chain. Whoever has the key can walk from any of them
to the last one, whose digest the login's row keeps: so an old one is told from a made-up one, and
one used twice at nearly the same time is answered twice the same, with nothing stored for it.
Those of apps are such a chain too, under a mark and a key of their own (A-14).
"""

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import ClassVar, Final, Self
from uuid import UUID

from models.kernel.errors import Unauthorized

_SECRET_BYTES: Final = 32
_PLACE_BYTES: Final = 4
_ID_BYTES: Final = 16
_CHARACTERS: Final = 72
_MOST_STEPS: Final = 100_000


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A link of the chain: `generation` 0 came with the login. The secret is 32 bytes."""

    mark: ClassVar[str] = "ilr_"

    session_id: UUID
    generation: int
    secret: bytes = field(repr=False)

    @classmethod
    def first(cls, session_id: UUID) -> Self:
        """Return the token of a new login."""
        return cls(session_id, 0, secrets.token_bytes(_SECRET_BYTES))

    @classmethod
    def read(cls, text: str) -> Self:
        """Read a token; raise `Unauthorized` for a text that is none."""
        body = text.removeprefix(cls.mark)
        try:
            parts = urlsafe_b64decode(body) if len(body) == _CHARACTERS else b""
        except (NotBase64, ValueError) as error:
            raise Unauthorized from error
        if not text.startswith(cls.mark) or len(parts) != _ID_BYTES + _PLACE_BYTES + _SECRET_BYTES:
            raise Unauthorized
        place = int.from_bytes(parts[_ID_BYTES : _ID_BYTES + _PLACE_BYTES])
        return cls(UUID(bytes=parts[:_ID_BYTES]), place, parts[_ID_BYTES + _PLACE_BYTES :])

    @property
    def text(self) -> str:
        """The token as a client has it."""
        place = self.generation.to_bytes(_PLACE_BYTES)
        return self.mark + urlsafe_b64encode(self.session_id.bytes + place + self.secret).decode()

    @property
    def digest(self) -> bytes:
        """What is kept of it."""
        return sha256(self.secret).digest()

    def is_kept(self, digest: bytes) -> bool:
        """Say whether this is the token of which a digest is kept."""
        return hmac.compare_digest(self.digest, digest)

    def child(self, key: bytes) -> Self:
        """Return the next token of the chain."""
        return replace(self, generation=self.generation + 1, secret=self._next(key, self.secret))

    def descendant(self, key: bytes, generation: int) -> Self:
        """Return a later token of the chain; one too far away is no token at all."""
        if not 0 <= generation - self.generation <= _MOST_STEPS:
            raise Unauthorized
        secret = self.secret
        for _ in range(generation - self.generation):
            secret = self._next(key, secret)
        return replace(self, generation=generation, secret=secret)

    def _next(self, key: bytes, secret: bytes) -> bytes:
        return hmac.digest(key, self.session_id.bytes + secret, "sha256")


class AppRefreshToken(RefreshToken):
    """A link of the chain of an app's authorization, whose id stands where a login's does."""

    __slots__ = ()

    mark: ClassVar[str] = "ilo_"
