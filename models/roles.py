"""Roles and the permissions they carry: the catalogue's, and those an administrator made (A-21)."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final, Self

from peewee import CharField, TextField
from playhouse.postgres_ext import ArrayField, DateTimeTZField

from models.catalogue.reader import read
from models.kernel.database import Table

USER: Final = "user"
PREMIUM: Final = "premium"
PAID: Final = frozenset({"premium", "enterprise"})
"""The tiers by which somebody holds the role `premium`."""


class CustomRole(Table):
    """A role that an administrator made: a name, and the permissions it carries."""

    name = CharField(primary_key=True)
    description = TextField(default="")
    permissions = ArrayField(TextField, index=False)
    created_at = DateTimeTZField()
    updated_at = DateTimeTZField()

    @classmethod
    def by_name(cls, name: str) -> Self | None:
        """Return the role of a name, None when nobody made it."""
        return cls.found(name=name)


@cache
def permissions_of(role: str) -> frozenset[str]:
    """Return the permissions of a role, those of the roles it includes among them.

    A role the catalogue does not know carries none.
    """
    return _carried("roles", role)


@cache
def permissions_in_organization(role: str) -> frozenset[str]:
    """Return what a role in an organization carries, for whoever acts for it (A-26)."""
    return _carried("in_organization", role)


def _carried(family: str, role: str) -> frozenset[str]:
    entry = read("roles")[family].get(role, {})
    included = (_carried(family, name) for name in entry.get("includes", ()))
    return frozenset(entry.get("permissions", ())).union(*included)


def carried_by(role: str) -> frozenset[str]:
    """Return the permissions of a role, the catalogue's or one that somebody made."""
    if role in roles():
        return permissions_of(role)
    made = CustomRole.by_name(role)
    return frozenset(made.permissions) if made else frozenset()


def role_held(role: str, tier: str) -> str:
    """Return the role by which somebody acts: `premium` exactly while their tier is paid (X-3)."""
    if role in {USER, PREMIUM}:
        return PREMIUM if tier in PAID else USER
    return role


def permissions_held(role: str, tier: str, granted: Iterable[str] = ()) -> frozenset[str]:
    """Return what somebody may do: `granted` is what a role outside the catalogue carries.

    A paid tier adds what `premium` carries for whoever may do all that a user may; a role that
    only reads goes on only reading.
    """
    base = permissions_of(role_held(role, tier)).union(granted)
    is_more = tier in PAID and permissions_of(USER) <= base
    return base | permissions_of(PREMIUM) if is_more else base


@cache
def permissions() -> frozenset[str]:
    """Return every permission there is."""
    return frozenset(read("roles")["permissions"])


@cache
def delegable() -> Mapping[str, str]:
    """Return the permissions that an app may be granted, and each in words (A-15)."""
    told = read("roles")
    kept = {*told["step_up"], *told["undelegated"]}
    return {name: words for name, words in told["permissions"].items() if name not in kept}


@cache
def in_sandbox() -> frozenset[str]:
    """Return the permissions that a test key may carry: those whose changes have a sandbox."""
    told = read("roles")
    return permissions() - {*told["step_up"], *told["live_only"]}


@cache
def roles() -> tuple[str, ...]:
    """Return the names of the catalogue's roles, least first."""
    return tuple(read("roles")["roles"])


@cache
def roles_in_organization() -> tuple[str, ...]:
    """Return the names of the roles in an organization, least first."""
    return tuple(read("roles")["in_organization"])
