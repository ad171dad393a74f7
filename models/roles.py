"""Roles and the permissions they carry, read from the catalogue (A-21)."""

from functools import cache

from models.catalogue.reader import read


@cache
def permissions_of(role: str) -> frozenset[str]:
    """Return the permissions of a role, those of the roles it includes among them.

    A role the catalogue does not know carries none.
    """
    entry = read("roles")["roles"].get(role, {})
    included = (permissions_of(name) for name in entry.get("includes", ()))
    return frozenset(entry.get("permissions", ())).union(*included)


@cache
def permissions() -> frozenset[str]:
    """Return every permission there is."""
    return frozenset(read("roles")["permissions"])


@cache
def roles() -> tuple[str, ...]:
    """Return the names of the roles, least first."""
    return tuple(read("roles")["roles"])
