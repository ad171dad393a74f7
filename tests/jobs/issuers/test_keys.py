"""Keys of outside issuers: read in turn, kept for a day, and never waited for twice (A-05)."""

from datetime import timedelta

import pytest

from models.issuers import Issuer
from models.kernel.errors import Unauthorized, Unavailable
from tests.fakes.issuer import (
    RSA_PAIRS,
    FakeIssuer,
    is_away,
    is_huge,
    is_slow,
    redirects,
    talks_nonsense,
)
from tests.jobs.issuers.conftest import House, Trusting, house_at


@pytest.fixture
def known(trust: Trusting, house: House, fake: FakeIssuer) -> FakeIssuer:
    """An issuer whose keys were read, and somebody of it who was here."""
    trust()
    assert house.ask(fake.token())
    return fake


def test_keys_are_read_once_and_used_for_an_hour(known: FakeIssuer, house: House) -> None:
    house.clock.move(500)

    assert house.ask(known.token())
    assert house_at(house.clock).ask(known.token())
    assert known.fetches() == 1


def test_after_an_hour_keys_are_read_again(known: FakeIssuer, house: House) -> None:
    token = known.token(exp=int(house.clock.now().timestamp()) + 9_000)
    known.rotate("second")
    house.clock.move(3_600)

    with pytest.raises(Unauthorized):
        house.ask(token)
    assert known.fetches() == 2


def test_a_key_that_is_new_is_found(known: FakeIssuer, house: House) -> None:
    known.rotate("second")
    house.clock.move(61)

    assert house.ask(known.token())
    assert known.fetches() == 2


def test_a_flood_of_unknown_keys_costs_one_fetch_a_minute(known: FakeIssuer, house: House) -> None:
    house.clock.move(61)
    flood = [known.token(header={"kid": f"made-up-{number}"}) for number in range(20)]

    for token in flood:
        with pytest.raises(Unauthorized):
            house.ask(token)
    with pytest.raises(Unauthorized):
        house_at(house.clock).ask(flood[0])
    assert known.fetches() == 2

    house.clock.move(61)
    with pytest.raises(Unauthorized):
        house.ask(flood[0])
    assert known.fetches() == 3


@pytest.mark.parametrize(
    "script", [is_away, is_huge, redirects, talks_nonsense], ids=lambda each: each.__name__
)
def test_while_the_issuer_misbehaves_kept_keys_are_used_for_a_day(
    known: FakeIssuer, house: House, script
) -> None:
    known.script = script
    token = known.token(exp=int(house.clock.now().timestamp()) + 200_000)

    house.clock.move(3_601)
    assert house.ask(token)
    assert known.fetches() == 2
    assert "/elsewhere" not in known.asked

    house.clock.move(86_400)
    with pytest.raises(Unavailable):
        house.ask(token)


def test_a_slow_issuer_is_given_up_on(known: FakeIssuer, house: House, monkeypatch) -> None:
    monkeypatch.setattr("jobs.issuers.keys.SECONDS", 0.2)
    known.script = is_slow
    house.clock.move(3_601)

    assert house.ask(known.token(exp=int(house.clock.now().timestamp()) + 60))
    assert Issuer.get().fetch_faults == 1


def test_an_issuer_that_fails_is_left_alone_for_longer_each_time(
    known: FakeIssuer, house: House
) -> None:
    known.script = is_away
    house.clock.move(3_601)
    pauses = []

    for _ in range(6):
        with pytest.raises(Unauthorized):
            house.ask(known.token(header={"kid": "another"}, exp=2**33))
        row = Issuer.get()
        pauses.append(row.fetch_after - house.clock.now())
        house.clock.move(pauses[-1].total_seconds())

    assert pauses == [timedelta(minutes=each) for each in (1, 2, 4, 8, 15, 15)]
    assert known.fetches() == 7


def test_without_any_key_a_later_try_may_help(
    trust: Trusting, house: House, fake: FakeIssuer
) -> None:
    trust()
    fake.script = is_away

    with pytest.raises(Unavailable):
        house.ask(fake.token())


@pytest.mark.parametrize(
    "odd",
    [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "first"},
        {**RSA_PAIRS[0].as_dict(private=False), "kid": "first", "use": "enc"},
        {**RSA_PAIRS[0].as_dict(private=False), "kid": "first", "n": "sXch"},
        {**RSA_PAIRS[0].as_dict(private=False), "kid": "first", "e": "A" * 300},
        {**RSA_PAIRS[0].as_dict(private=False), "kid": "first", "alg": "RS512"},
        {**RSA_PAIRS[0].as_dict(private=False), "kid": ["first"]},
        {"kty": ["RSA"], "kid": "first"},
        "a key",
    ],
    ids=["secret", "to encrypt", "short", "slow", "other algorithm", "no name", "no kind", "text"],
)
def test_a_key_that_is_none_to_check_with_checks_nothing(
    trust: Trusting, house: House, fake: FakeIssuer, odd
) -> None:
    trust()
    other = {**RSA_PAIRS[1].as_dict(private=False), "kid": "other"}
    fake.pages["/keys"] = {"keys": [odd, other]}

    with pytest.raises(Unauthorized):
        house.ask(fake.token())


def test_of_a_key_nothing_private_is_kept(trust: Trusting, house: House, fake: FakeIssuer) -> None:
    trust()
    fake.pages["/keys"] = {"keys": [{**RSA_PAIRS[0].as_dict(private=True), "kid": "first"}]}

    assert house.ask(fake.token())
    assert set(Issuer.get().keys[0]) == {"kty", "kid", "n", "e"}
