"""People as others see and administrators change them (A-24, A-30, A-31, A-34).

Nobody is changed by an equal in rank: only who carries `roles:admin`, and all the administrator's
permissions in question, makes administrators or touches one; nobody changes their own role or
standing, and one super_admin always remains.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from jobs.audit import Actor, Deed, note
from jobs.departures import DELETED, come_back, depart
from jobs.roles import GUARD
from models.accounts import ACTIVE, Person
from models.factors import wants_step_up
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.errors import Conflict, Detail, InsufficientPermissions, Invalid, NotFound
from models.people import PersonPreferences
from models.roles import PREMIUM, CustomRole, carried_by, roles

STANDINGS: Final = (ACTIVE, "suspended", DELETED)
TIERS: Final = ("free", "premium", "enterprise")
OVER_ROLES: Final = "roles:admin"
PUBLIC: Final = "public"
SUPER_ADMIN: Final = "super_admin"

_KEEP: Final = """
insert into person_preferences (person_id, kept) values (%s, %s::jsonb)
on conflict (person_id) do update
set kept = person_preferences.kept || excluded.kept, updated_at = now()
returning kept
"""
_OTHERS: Final = "select count(*) from person where role = %s and status = 'active' and id <> %s"


def wish(person_id: UUID, said: str) -> Mapping[str, Any]:
    """Keep what a person said beside what they said before; return all of it.

    `said` is a JSON object; a group in it replaces that group.
    """
    ((kept,),) = database.rows(_KEEP, (person_id, said))
    whole: Mapping[str, Any] = kept
    return whole


def profile(person_id: UUID, viewer_id: UUID) -> Person:
    """Return a person whose profile somebody may see; raise `NotFound` for any other."""
    person = Person.by_id(person_id)
    privacy = PersonPreferences.of(person_id).get("privacy", {})
    is_hidden = privacy.get("profileVisibility", PUBLIC) != PUBLIC and person_id != viewer_id
    if person is None or not person.is_active or is_hidden:
        raise NotFound("there is no such user")
    return person


def anybody(person_id: UUID) -> Person:
    """Return a person, whatever their standing; raise `NotFound` for nobody."""
    person = Person.by_id(person_id)
    if person is None:
        raise NotFound("there is no such user")
    return person


def change(person_id: UUID, wishes: Mapping[str, str], actor: Actor, clock: Clock) -> Person:
    """Change a person's `role`, `tier` or `status`, and write down who did; holds at once.

    Raises `NotFound`, `Invalid` for a role nobody can be given, `InsufficientPermissions` for one
    above the actor, and `Conflict` for the actor's own role or standing and for the last
    super_admin.
    """
    with database.unit():
        hold_roles()
        person = anybody(person_id)
        changes = {name: to for name, to in wishes.items() if getattr(person, name) != to}
        _check(person, changes, actor)
        if not changes:
            return person
        before = {name: getattr(person, name) for name in changes}
        for name, value in changes.items():
            setattr(person, name, value)
        person.updated_at = clock.now()
        person.save(only=[*changes, "updated_at"])
        if "status" in changes:
            _stand(person, clock)
        told = {"issuer": actor.issuer} if actor.issuer else {}
        details = {"before": before, "after": dict(changes), **told}
        note(Deed(action="user.changed", details=details, person_id=person.id), actor, clock)
    return person


def hold_roles() -> None:
    """Let nobody else change who administers until the transaction that is open ends."""
    database.rows(GUARD)


def refuse_last_super_admin(person: Person) -> None:
    """Raise `Conflict` for the last super_admin."""
    if person.role == SUPER_ADMIN and person.is_active:
        ((others,),) = database.rows(_OTHERS, (SUPER_ADMIN, person.id))
        if not others:
            raise Conflict("this is the last super_admin: make another one first")


def refuse_above(person: Person, actor: Actor) -> None:
    """Raise `InsufficientPermissions` for who stands as high as the actor, or higher."""
    _check_rank(person, {}, actor)


def _check(person: Person, changes: Mapping[str, str], actor: Actor) -> None:
    _check_rank(person, changes, actor)
    is_about_standing = changes.keys() & {"role", "status"}
    if is_about_standing and person.id == actor.person_id and not actor.issuer:
        raise Conflict("nobody changes their own role or status: ask another administrator")
    if is_about_standing:
        refuse_last_super_admin(person)


def _check_rank(person: Person, changes: Mapping[str, str], actor: Actor) -> None:
    """Refuse what is above the actor, and a role that is nobody's to give."""
    new = changes.get("role")
    if new == PREMIUM:
        raise Invalid(details=[Detail("role", "This role comes with the tier.")])
    given = carried_by(new) if new else frozenset[str]()
    if new and new not in roles():
        if CustomRole.by_name(new) is None:
            raise Invalid(details=[Detail("role", "There is no such role.")])
        if given - actor.permissions:
            raise InsufficientPermissions("this role carries more than you do")
    ranked = {each for each in given | carried_by(person.role) if wants_step_up(each)}
    if ranked and OVER_ROLES not in actor.permissions:
        raise InsufficientPermissions(f"administrators are changed by who has {OVER_ROLES}")
    if ranked - actor.permissions:
        raise InsufficientPermissions("this carries more than you do")


def _stand(person: Person, clock: Clock) -> None:
    """Do what a new standing brings with it: an end, or the end of one."""
    if person.status == DELETED:
        depart(person, clock)
    else:
        come_back(person)
