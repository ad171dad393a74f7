"""Devices: one that logged in before is known again, and counts its wrong guesses by itself (A-09).

A login answers a device token, which shows that this person has logged in there: a random id with a
MAC over it and the address of mail. Whoever sends it at the next login, or comes from a network
address this person logged in from lately, is not held up by strangers who guess elsewhere.
"""

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from datetime import timedelta
from hashlib import sha256
from typing import Final

from jobs.guessing import subject_of
from models.accounts import Person
from models.kernel.clock import Clock
from models.kernel.ids import new_id
from models.logins import LoginSession

KNOWN_FOR: Final = timedelta(days=30)
MARK: Final = "ild_"

_ID_BYTES: Final = 16
_CHARACTERS: Final = 64


class Devices:
    """Makes and recognizes device tokens, with a key of its own (HMAC-SHA-256)."""

    def __init__(self, key: bytes, clock: Clock) -> None:
        """Take the key, and the time."""
        self._key = key
        self._clock = clock

    def token_for(self, email: str, given: str = "") -> str:
        """Return a device token of somebody; the one they gave when it is one."""
        if self._id_in(given, email):
            return given
        device = secrets.token_bytes(_ID_BYTES)
        return MARK + urlsafe_b64encode(device + self._mac(device, email)).decode()

    def counter(self, email: str, person: Person | None, token: str, address: str) -> bytes:
        """Name what counts the wrong guesses of this attempt at an address's password.

        Another password is guessed at anew: who chooses one is locked out by nothing before.
        """
        lately = self._clock.now() - KNOWN_FOR
        person_id = person.id if person else new_id()
        guessed = sha256((person.password_hash if person else "").encode()).hexdigest()
        is_known_place = LoginSession.came_from(person_id, address, lately) and address != ""
        device = self._id_in(token, email)
        if device:
            return subject_of("login", email, guessed, "device", device.hex())
        if is_known_place:
            return subject_of("login", email, guessed, "place", address)
        return subject_of("login", email, guessed, "strangers")

    def _id_in(self, token: str, email: str) -> bytes:
        """Return the id in a token of this person's; nothing for any other text."""
        body = token.removeprefix(MARK)
        if not token.startswith(MARK) or len(body) != _CHARACTERS:
            return b""
        try:
            parts = urlsafe_b64decode(body)
        except (NotBase64, ValueError):
            return b""
        device, mac = parts[:_ID_BYTES], parts[_ID_BYTES:]
        return device if hmac.compare_digest(mac, self._mac(device, email)) else b""

    def _mac(self, device: bytes, email: str) -> bytes:
        return hmac.digest(self._key, device + email.encode("utf-8", "surrogatepass"), "sha256")
