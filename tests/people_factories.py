"""Factories of what there is about people beside their credentials."""

from typing import Any

from models.addresses import IpRule
from models.people import AuditEntry, PersonPreferences
from models.roles import CustomRole
from tests.making import made, numbers, person


def person_preferences(**given: Any) -> PersonPreferences:
    """The wish of somebody for the dark."""
    usual = {"person_id": person().id, "kept": {"theme": "dark"}}
    return made(PersonPreferences, {**usual, **given}, "person_id")


def audit_entry(**given: Any) -> AuditEntry:
    """What somebody did to themselves."""
    who = person()
    usual = {
        "account_id": who.account_id,
        "person_id": who.id,
        "actor_id": who.id,
        "action": "user.changed",
    }
    return made(AuditEntry, {**usual, **given})


def custom_role(**given: Any) -> CustomRole:
    """A role of somebody who reads books and nothing else."""
    usual = {"name": f"reader{next(numbers)}", "permissions": ["books:read"]}
    return made(CustomRole, {**usual, **given}, "name")


def ip_rule(**given: Any) -> IpRule:
    """A network nobody comes from, kept out."""
    usual = {
        "scope": "global",
        "action": "deny",
        "network": "203.0.113.0/24",
        "created_by": person().id,
    }
    return made(IpRule, {**usual, **given})
