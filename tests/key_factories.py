"""Factories of keys: those of people, how much they are used, and those that sign."""

from datetime import date
from hashlib import sha256
from typing import Any

from models.accounts import ApiKey, Person, SigningKey
from models.key_usage import KeyUsage
from tests.making import made, numbers, person


def api_key(of: Person | None = None, **given: Any) -> ApiKey:
    """A live key nobody knows."""
    owner = of or person()
    number = next(numbers)
    usual = {
        "account": owner.account_id,
        "user": owner.id,
        "name": "a key",
        "prefix": f"ilm_live_{number}",
        "digest": sha256(f"key {number}".encode()).digest(),
        "mode": "live",
    }
    return made(ApiKey, {**usual, **given})


def key_usage(of: ApiKey | None = None, **given: Any) -> KeyUsage:
    """One request of a key, once."""
    usual = {"key": (of or api_key()).id, "day": date(2026, 11, 20), "requests": 1}
    values = {**usual, **given}
    KeyUsage.create(**values)
    row: KeyUsage = KeyUsage.get(KeyUsage.key == values["key"], KeyUsage.day == values["day"])
    return row


def signing_key(**given: Any) -> SigningKey:
    """A key that has signed nothing."""
    usual = {"kid": f"key{next(numbers)}", "sealed_private": b"sealed", "public_jwk": {}}
    return made(SigningKey, {**usual, **given}, "kid")
