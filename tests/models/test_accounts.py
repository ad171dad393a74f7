"""The questions one may ask of people, keys and the catalogue's roles."""

from dataclasses import dataclass

import pytest

from models.accounts import Person
from models.catalogue.reader import entries, read
from models.roles import permissions, permissions_of, roles


@dataclass
class Few:
    """An entry that knows one field only."""

    status: int


def test_nobody_is_found_by_an_address_nobody_has(database):
    assert Person.by_email("nobody@example.org") is None


def test_nobody_has_a_role_before_somebody_does(database):
    assert not Person.has_role("a role nobody has")


def test_roles_carry_only_permissions_that_exist():
    assert all(permissions_of(role) <= permissions() for role in roles())


def test_there_are_the_six_roles_each_wider_than_the_one_it_includes():
    assert roles() == ("viewer", "user", "premium", "moderator", "admin", "super_admin")
    assert permissions_of("viewer") < permissions_of("user") < permissions_of("admin")
    assert permissions_of("super_admin") == permissions()


def test_a_role_nobody_knows_carries_nothing():
    assert permissions_of("emperor") == frozenset()


def test_the_catalogue_is_read_once_and_cannot_be_changed():
    assert read("roles") is read("roles")
    with pytest.raises(TypeError):
        read("roles")["roles"] = {}


def test_an_entry_with_a_field_too_many_stops_the_boot():
    with pytest.raises(TypeError):
        entries("errors", Few)
