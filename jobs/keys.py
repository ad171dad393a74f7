"""API keys: made, used, rotated, revoked (A-17 – A-20, A-25). The key itself is not kept."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Final
from uuid import UUID

from peewee import ModelSelect

from jobs.audit import Actor, Deed, note
from jobs.people import anybody, refuse_above
from jobs.quotas import API_KEYS, claim
from models.accounts import ApiKey, KeyStanding
from models.kernel.access_settings import KEY_BRAND
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.errors import (
    Detail,
    InsufficientPermissions,
    Invalid,
    NotFound,
    TokenExpired,
    Unauthorized,
)
from models.kernel.ids import wire_id
from models.kernel.setting_fields import BRAND_SHAPE

TEST: Final = "test"

_RANDOM_BYTES: Final = 32
_SHOWN: Final = 7
_LONGEST_KEY: Final = 128
_SEEN_EVERY: Final = timedelta(minutes=1)
_SHAPE: Final = re.compile(rf"{BRAND_SHAPE}_(?:live|test)_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Until when a key holds, where it may be used from, and how often; what is not said is free.

    `ip_allow` are addresses and networks, all when empty.
    """

    expires_at: datetime | None = None
    ip_allow: tuple[str, ...] = ()
    rate_limit_per_minute: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyWish(Bounds):
    """The key somebody asks for. No scopes: all that its maker may do."""

    name: str
    mode: str = "live"
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grantor:
    """On whose behalf a key is made: it may carry no more than this.

    `scopes` and `bounds` are those of the key that makes a key; what it makes has them too unless
    it has fewer, or is bound more. Who has shown a second factor a short while ago makes keys that
    count as having shown it. `request_id` is that of what they ask.
    """

    account_id: UUID
    user_id: UUID
    mode: str
    permissions: frozenset[str]
    scopes: frozenset[str] = frozenset()
    is_stepped_up: bool = False
    bounds: Bounds = Bounds()
    request_id: str | None = None

    @property
    def actor(self) -> Actor:
        """Who that is, for the audit."""
        return Actor(
            person_id=self.user_id, permissions=self.permissions, request_id=self.request_id
        )


def is_key(text: str) -> bool:
    """Say whether a text has the shape of a key, of whichever brand; it may be nobody's."""
    return _SHAPE.match(text) is not None


def make_key(
    wish: KeyWish, grantor: Grantor, clock: Clock, *, brand: str = KEY_BRAND
) -> tuple[ApiKey, str]:
    """Make a key of a brand; return its row and the key itself, which is not kept (A-17, A-20).

    Raises `InsufficientPermissions` for a scope, a mode or a place its maker lacks, `Invalid` for a
    past end, `Conflict` for one key too many.
    """
    with database.unit():
        claim(grantor.user_id, {API_KEYS: 1})
        made = _make(wish, grantor, clock, brand)
        _note("key.created", made[0], grantor.actor, clock)
    return made


def _make(wish: KeyWish, grantor: Grantor, clock: Clock, brand: str) -> tuple[ApiKey, str]:
    now = clock.now()
    _check_grant(wish, grantor, now)
    bounds = _within(wish, grantor.bounds)
    mark = f"{brand}_{wish.mode}_"
    key = f"{mark}{secrets.token_urlsafe(_RANDOM_BYTES)}"
    row = ApiKey.create(
        account=grantor.account_id,
        user=grantor.user_id,
        name=wish.name,
        prefix=key[: len(mark) + _SHOWN],
        digest=_digest(key),
        mode=wish.mode,
        scopes=sorted(set(wish.scopes) or grantor.scopes),
        is_stepped_up=grantor.is_stepped_up,
        ip_allow=list(bounds.ip_allow),
        rate_limit_per_minute=bounds.rate_limit_per_minute,
        expires_at=bounds.expires_at,
        created_at=now,
    )
    return row, key


def _check_grant(wish: KeyWish, grantor: Grantor, now: datetime) -> None:
    if wish.expires_at is not None and wish.expires_at <= now:
        raise Invalid(details=[Detail("expiresAt", "lies in the past")])
    missing = sorted(set(wish.scopes) - grantor.permissions)
    if missing:
        raise InsufficientPermissions(f"you cannot grant {missing[0]}, which you lack")
    if grantor.mode == TEST and wish.mode != TEST:
        raise InsufficientPermissions("a test key makes test keys only")


def _within(wish: Bounds, outer: Bounds) -> Bounds:
    """Return what is wished within the bounds of who wishes: the earlier end, the lower rate.

    Raises `InsufficientPermissions` for an address or a network that lies outside of theirs.
    """
    for place in wish.ip_allow:
        if outer.ip_allow and not any(_lies_in(place, network) for network in outer.ip_allow):
            raise InsufficientPermissions(f"you cannot grant {place}: your own key is not for it")
    ends = [each.expires_at for each in (wish, outer) if each.expires_at is not None]
    rates = [each.rate_limit_per_minute for each in (wish, outer)]
    return Bounds(
        expires_at=min(ends, default=None),
        ip_allow=wish.ip_allow or outer.ip_allow,
        rate_limit_per_minute=min((rate for rate in rates if rate is not None), default=None),
    )


def _lies_in(place: str, network: str) -> bool:
    inner, outer = ip_network(place), ip_network(network)
    if isinstance(inner, IPv4Network) and isinstance(outer, IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(inner, IPv6Network) and isinstance(outer, IPv6Network):
        return inner.subnet_of(outer)
    return False


def use_key(key: str, clock: Clock) -> KeyStanding:
    """Return how a key that holds stands; raise `Unauthorized`, or `TokenExpired` when over."""
    found = KeyStanding.of_digest(_digest(key)) if len(key) <= _LONGEST_KEY else None
    now = clock.now()
    if found is None or found.revoked_at is not None or not found.person.is_active:
        raise Unauthorized("this API key does not hold")
    if found.expires_at is not None and found.expires_at <= now:
        raise TokenExpired("this API key has expired")
    if found.last_used_at is None or now - found.last_used_at > _SEEN_EVERY:
        found.seen(now)
    return found


def rotate_key(
    key_id: UUID, overlap: timedelta, grantor: Grantor, clock: Clock, *, brand: str = KEY_BRAND
) -> tuple[ApiKey, str]:
    """Make a key like an old one, which goes on for a while; return it as `make_key` does (A-20).

    It takes the place of the old one: a quota does not stand in its way.

    Raises `NotFound` for a key that is not theirs or has ended, and what `make_key` raises.
    """
    now = clock.now()
    with database.unit():
        old: ApiKey | None = _held(key_id, grantor).for_update().first()
        if old is None or (old.expires_at is not None and old.expires_at <= now):
            raise NotFound("there is no such key")
        wish = KeyWish(
            name=old.name,
            mode=old.mode,
            scopes=tuple(old.scopes),
            expires_at=old.expires_at,
            ip_allow=tuple(old.ip_allow),
            rate_limit_per_minute=old.rate_limit_per_minute,
        )
        made = _make(wish, grantor, clock, brand)
        ends = now + overlap
        old.expires_at = min(ends, old.expires_at or ends)
        old.save(only=[ApiKey.expires_at])
        _note("key.rotated", made[0], grantor.actor, clock, replaces=wire_id("key", old.id))
    return made


def revoke_key(key_id: UUID, holder: Grantor, clock: Clock) -> None:
    """End a key at once; raise `NotFound` for one that is not theirs or ended already."""
    with database.unit():
        _revoke(_held(key_id, holder), holder.actor, clock)


def revoke_others_key(key_id: UUID, person_id: UUID, actor: Actor, clock: Clock) -> None:
    """End a key of somebody's, whichever account it opens, as who administers people (A-20).

    Raises `NotFound` for one that is not theirs or ended already, `InsufficientPermissions` for a
    key of who stands as high.
    """
    with database.unit():
        person = anybody(person_id)
        refuse_above(person, actor)
        _revoke(ApiKey.held_by(person.id).where(ApiKey.id == key_id), actor, clock)


def held_key(key_id: UUID, holder: Grantor) -> ApiKey:
    """Return a key of somebody's; raise `NotFound` for one that is not theirs or has ended."""
    key: ApiKey | None = _held(key_id, holder).first()
    if key is None:
        raise NotFound("there is no such key")
    return key


def held_keys(holder: Grantor) -> "ModelSelect[ApiKey]":
    """Return the keys somebody holds, newest first; a test key knows of no live one (DX-08)."""
    held = ApiKey.held_by(holder.user_id, holder.account_id)
    return held.where(ApiKey.mode == TEST) if holder.mode == TEST else held


def _held(key_id: UUID, holder: Grantor) -> "ModelSelect[ApiKey]":
    return held_keys(holder).where(ApiKey.id == key_id)


def _revoke(one: "ModelSelect[ApiKey]", actor: Actor, clock: Clock) -> None:
    key: ApiKey | None = one.for_update().first()
    if key is None:
        raise NotFound("there is no such key")
    key.revoked_at = clock.now()
    key.save(only=[ApiKey.revoked_at])
    _note("key.revoked", key, actor, clock)


def _note(action: str, key: ApiKey, actor: Actor, clock: Clock, **more: str) -> None:
    """Write down what was done with a key, in the account that it opens."""
    told: Mapping[str, Any] = {
        "key_id": wire_id("key", key.id),
        "mode": key.mode,
        "scopes": list(key.scopes),
        **more,
    }
    deed = Deed(action=action, details=told, person_id=key.user_id, account_id=key.account_id)
    note(deed, actor, clock)


def _digest(key: str) -> bytes:
    return sha256(key.encode("utf-8", "surrogateescape")).digest()
