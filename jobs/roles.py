"""Roles that administrators make beside the catalogue's (A-21, X-3).

Nobody gives a role what they do not carry themselves, nor changes one that carries more than they
do. A change holds from the next request of everybody who has the role.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from peewee import IntegrityError

from jobs.audit import Actor, Deed, note
from models.accounts import Person
from models.catalogue.reader import read
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.errors import (
    Conflict,
    Detail,
    DuplicateResource,
    InsufficientPermissions,
    Invalid,
    NotFound,
)
from models.listings import Listing
from models.roles import CustomRole, permissions, permissions_of, roles

MOST_ROLES: Final = 100

GUARD: Final = f"select pg_advisory_xact_lock({0x494C4F})"
"""Taken by whoever changes roles or who has one, so that the last and the first of them agree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role as it is shown, whoever made it."""

    name: str
    description: str
    permissions: Sequence[str]
    is_built_in: bool


def all_roles(*, page: int, limit: int) -> Listing:
    """Return one page of the roles: the catalogue's, least first, then the others by name."""
    everything = [*_built_in(), *map(_shown, CustomRole.select().order_by(CustomRole.name))]
    first = (page - 1) * limit
    return Listing(everything[first : first + limit], page, limit, len(everything))


def one_role(name: str) -> Role:
    """Return a role; raise `NotFound` for a name nobody gave."""
    built_in = next((role for role in _built_in() if role.name == name), None)
    return built_in or _shown(_made(name))


def make_role(wish: Mapping[str, Any], actor: Actor, clock: Clock) -> Role:
    """Make a role of a `name`, a `description` and `permissions`.

    Raises `DuplicateResource` for a name that is taken, `Invalid` for an unknown permission,
    `InsufficientPermissions` for one its maker lacks, `Conflict` when there are too many.
    """
    _check_grant(wish["permissions"], actor)
    if wish["name"] in roles():
        raise DuplicateResource("there is a role of this name already")
    now = clock.now()
    kept = {**wish, "permissions": sorted(set(wish["permissions"]))}
    try:
        with database.unit():
            database.rows(GUARD)
            if CustomRole.select().count() >= MOST_ROLES:
                raise Conflict(f"there are {MOST_ROLES} roles already: delete one first")
            role = CustomRole.create(**kept, created_at=now, updated_at=now)
            note(Deed(action="role.created", details=kept), actor, clock)
    except IntegrityError as error:
        raise DuplicateResource("there is a role of this name already") from error
    return _shown(role)


def change_role(name: str, wishes: Mapping[str, Any], actor: Actor, clock: Clock) -> Role:
    """Change a role's `description` or `permissions`; raise as `make_role` does, and `NotFound`.

    Raises `Conflict` for one of the catalogue's.
    """
    with database.unit():
        database.rows(GUARD)
        role = _changeable(name, actor)
        _check_grant(wishes.get("permissions", ()), actor)
        before = {"description": role.description, "permissions": list(role.permissions)}
        role.description = wishes.get("description", role.description)
        role.permissions = sorted(set(wishes.get("permissions", role.permissions)))
        role.updated_at = clock.now()
        role.save()
        after = {"description": role.description, "permissions": role.permissions}
        details = {"name": name, "before": before, "after": after}
        note(Deed(action="role.changed", details=details), actor, clock)
    return _shown(role)


def drop_role(name: str, actor: Actor, clock: Clock) -> None:
    """Delete a role; raise as `change_role` does, and `Conflict` while somebody has it."""
    with database.unit():
        database.rows(GUARD)
        role = _changeable(name, actor)
        if Person.has_role(name):
            raise Conflict("somebody has this role: give them another one first")
        role.delete_instance()
        details = {"name": name, "permissions": list(role.permissions)}
        note(Deed(action="role.deleted", details=details), actor, clock)


def _changeable(name: str, actor: Actor) -> CustomRole:
    if name in roles():
        raise Conflict("the roles of the catalogue cannot be changed")
    role = _made(name)
    if not actor.permissions.issuperset(role.permissions):
        raise InsufficientPermissions("this role carries more than you do")
    return role


def _check_grant(wanted: Sequence[str], actor: Actor) -> None:
    unknown = sorted(set(wanted) - permissions())
    if unknown:
        raise Invalid(details=[Detail("permissions", f"There is no permission {unknown[0]}.")])
    missing = sorted(set(wanted) - actor.permissions)
    if missing:
        raise InsufficientPermissions(f"you cannot give {missing[0]}, which you lack")


def _made(name: str) -> CustomRole:
    role = CustomRole.by_name(name)
    if role is None:
        raise NotFound("there is no such role")
    return role


def _built_in() -> Iterator[Role]:
    for name in roles():
        told = read("roles")["roles"][name]
        yield Role(
            name=name,
            description=told["description"],
            permissions=sorted(permissions_of(name)),
            is_built_in=True,
        )


def _shown(role: CustomRole) -> Role:
    return Role(
        name=role.name,
        description=role.description,
        permissions=role.permissions,
        is_built_in=False,
    )
