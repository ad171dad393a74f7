"""Whom tokens of outside issuers lead to: made, linked, or nobody (A-05, X-2)."""

import pytest

from jobs import passwords
from jobs.accounts import recognizes
from models.accounts import Person
from models.issuers import Identity
from models.kernel.errors import Unauthorized
from models.logins import LoginAttempt
from models.people import AuditEntry
from tests.fakes.issuer import FakeIssuer
from tests.jobs.issuers.conftest import House, Trusting
from tests.login_factories import NOW
from tests.making import person


def test_somebody_new_is_made_once_and_has_no_password(
    trust: Trusting, house: House, fake: FakeIssuer
) -> None:
    trust()

    first, again = house.ask(fake.token()), house.ask(fake.token(email="new@example.org"))

    assert first == again
    made = Person.get()
    assert (made.email, made.name, made.role) == ("somebody@example.org", "Some Body", "user")
    assert made.email_verified_at is not None
    assert made.password_hash == passwords.NO_PASSWORD
    for guess in ("", "nobody has this password"):
        assert not recognizes(made, guess)
    assert [entry.action for entry in AuditEntry.about(made.id)] == ["identity.made"]
    assert [attempt.action for attempt in LoginAttempt.select()] == ["identity.made"]


def test_two_subjects_are_two_people(trust: Trusting, house: House, fake: FakeIssuer) -> None:
    trust()

    told = [house.ask(fake.token(sub=each, email=f"{each}@example.org")) for each in "ab"]

    assert told[0] != told[1]


@pytest.mark.parametrize(
    ("row", "claims"),
    [
        ({"provisions": False}, {}),
        ({}, {"email_verified": False}),
        ({}, {"email_verified": "true"}),
        ({}, {"email_verified": None}),
        ({}, {"email": None}),
        ({}, {"email": "no address"}),
        ({}, {"email": "a@b\n@example.org"}),
    ],
    ids=["may not", "unverified", "a word", "unsaid", "no mail", "odd mail", "odder mail"],
)
def test_nobody_is_made_without_leave_and_a_verified_address(
    trust: Trusting, house: House, fake: FakeIssuer, row, claims
) -> None:
    trust(**row)

    with pytest.raises(Unauthorized):
        house.ask(fake.token(**claims))
    assert Person.select().count() == 0


def test_an_address_both_have_verified_links_where_the_issuer_may(
    trust: Trusting, house: House, fake: FakeIssuer
) -> None:
    trust(links=True)
    ada = person(email="somebody@example.org", email_verified_at=NOW)

    told = house.ask(fake.token(email="Somebody@Example.org"))

    assert told
    assert told.person_id == ada.id
    assert [entry.action for entry in AuditEntry.about(ada.id)] == ["identity.linked"]


@pytest.mark.parametrize(
    ("row", "mine", "claims"),
    [
        ({"links": False}, {}, {}),
        ({"links": True}, {"email_verified_at": None}, {}),
        ({"links": True}, {"role": "admin"}, {}),
        ({"links": True}, {"role": "super_admin"}, {"role": "super_admin"}),
        ({"links": True}, {}, {"email_verified": False}),
    ],
    ids=["may not", "unverified here", "admin", "super_admin", "unverified there"],
)
def test_an_address_of_another_does_not_lead_to_their_account(
    trust: Trusting, house: House, fake: FakeIssuer, row, mine, claims
) -> None:
    trust(**row)
    person(**{"email": "somebody@example.org", "email_verified_at": NOW, **mine})

    with pytest.raises(Unauthorized):
        house.ask(fake.token(**claims))
    assert Identity.select().count() == 0


@pytest.mark.parametrize(
    ("allowed", "said", "role"),
    [
        ([], "super_admin", "user"),
        (["moderator"], "super_admin", "user"),
        (["moderator"], "moderator", "moderator"),
        (["moderator", "premium"], ["premium", "moderator", "super_admin"], "moderator"),
        (["super_admin"], "super_admin", "super_admin"),
        (["moderator"], {"moderator": 1}, "user"),
    ],
    ids=["none listed", "not listed", "listed", "greatest", "even that", "odd"],
)
def test_a_claim_gives_a_role_that_the_row_lists_and_no_other(
    trust: Trusting, house: House, fake: FakeIssuer, allowed, said, role: str
) -> None:
    trust(roles=allowed)

    told = house.ask(fake.token(role=said, tier="enterprise"))

    assert told
    assert (told.role, told.tier) == (role, "free")


def test_the_newest_token_says_how_somebody_it_made_stands(
    trust: Trusting, house: House, fake: FakeIssuer
) -> None:
    trust(roles=["viewer", "moderator"], tiers=["premium"])
    issued = fake.claims()["iat"] - 10
    older = fake.token(iat=issued, role="moderator")
    newer = fake.token(iat=issued + 5, role="viewer", tier="premium")

    told = [house.ask(token) for token in (older, newer, older)]

    assert [each and (each.role, each.tier) for each in told] == [
        ("moderator", "free"),
        ("viewer", "premium"),
        ("viewer", "premium"),
    ]
    actions = [entry.action for entry in AuditEntry.about(Person.get().id)]
    assert actions == ["user.changed", "identity.made"]


def test_an_older_token_raises_nobody_though_the_newer_changed_nothing(
    trust: Trusting, house: House, fake: FakeIssuer
) -> None:
    trust(roles=["user", "moderator"])
    issued = fake.claims()["iat"] - 10
    said = [(issued, "user"), (issued + 5, "user"), (issued + 2, "moderator")]

    told = [house.ask(fake.token(iat=iat, role=role)) for iat, role in said]

    assert [each and each.role for each in told] == ["user", "user", "user"]


def test_who_was_only_linked_stands_as_before(
    trust: Trusting, house: House, fake: FakeIssuer
) -> None:
    trust(links=True, roles=["moderator"])
    person(email="somebody@example.org", email_verified_at=NOW)

    told = [house.ask(fake.token(role="moderator", iat=fake.claims()["iat"] - n)) for n in (9, 5)]

    assert [each and each.role for each in told] == ["user", "user"]
