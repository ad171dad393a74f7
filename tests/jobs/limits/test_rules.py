"""Which windows a request counts in, by what they are tightened, and which routes there are."""

from ipaddress import ip_address
from uuid import UUID

import pytest

from jobs.limits.load import Load
from jobs.limits.rules import Known, Route, Rules, subject_of
from models.limits import Catalogued

ADA = UUID(int=1)
KEY = UUID(int=2)
PLAIN = Route(name="get_v1_books")
AI = Route(name="post_v1_messages", asks_llm=True)


def limits(who, route=PLAIN, overrides=None, factor=1.0):
    """Return the limits of a request by the kind of their window."""
    rules = Rules(Catalogued.read(), overrides or {})
    return {each.kind: each.limit for each in rules.for_known(who, route, "here", factor)}


def known(tier="free", **other):
    return Known(user_id=ADA, tier=tier, **other)


@pytest.mark.parametrize(
    ("tier", "user", "ai"),
    [("free", 100, 60), ("premium", 300, 300), ("enterprise", 1_000, 1_000), ("odd", 100, 60)],
)
def test_a_person_is_limited_by_tier(tier, user, ai):
    """X-13: a request counts as one that asks an LLM, or as another."""
    asking, other = limits(known(tier), AI), limits(known(tier))

    assert (asking["user-ai"], other["user"]) == (ai, user)
    assert "user" not in asking
    assert "user-ai" not in other


@pytest.mark.parametrize(
    ("overrides", "kind", "limit"),
    [
        ({("tier", "free"): 7}, "user", 7),
        ({("tier", "free"): 7, ("user", ADA.hex): 9}, "user", 9),
        ({("tier", "premium"): 7}, "user", 100),
        ({("tier-ai", "free"): 7}, "user-ai", 7),
        ({("user-ai", ADA.hex): 8}, "user-ai", 8),
        ({("key", KEY.hex): 8}, "key", 8),
        ({("route", "post_v1_messages"): 8}, "route", 8),
        ({("address", "each"): 8}, "address", 8),
        ({("global", "all"): 8}, "global", 8),
    ],
    ids=lambda value: "+".join(kind for kind, _ in value) if isinstance(value, dict) else None,
)
def test_what_was_set_wins_over_the_catalogue_and_the_nearer_over_the_wider(overrides, kind, limit):
    route = PLAIN if kind == "user" else AI

    assert limits(known(key_id=KEY, key_limit=50), route, overrides)[kind] == limit


def test_a_key_without_a_limit_has_no_window():
    assert "key" not in limits(known(key_id=KEY))
    assert limits(known(key_id=KEY, key_limit=5))["key"] == 5


def test_load_tightens_the_limits_of_callers_alone():
    usual, tightened = limits(known(), AI), limits(known(), AI, factor=0.5)

    assert tightened["user-ai"] == 30
    assert limits(known(), factor=0.5)["user"] == 50
    assert tightened["address"] == usual["address"]
    assert tightened["global"] == usual["global"]
    assert limits(known(), PLAIN, {("tier", "free"): 1}, factor=0.25)["user"] == 1


@pytest.mark.parametrize(
    ("wait", "factor"), [(0.0, 1.0), (0.25, 1.0), (0.5, 0.5), (1.0, 0.25), (30.0, 0.25)]
)
def test_the_factor_follows_from_how_long_requests_wait_for_a_thread(wait, factor):
    load = Load()
    for _ in range(1_000):
        load.waited(wait)

    assert load.factor == pytest.approx(factor)


def test_load_that_is_over_is_forgotten():
    load = Load()
    load.waited(30)
    for _ in range(200):
        load.waited(0)

    assert load.factor == 1


@pytest.mark.parametrize(
    ("address", "subject"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::1", "2001:db8:1:2::"),
    ],
)
def test_a_network_of_64_bits_is_one_caller(address, subject):
    assert subject_of(ip_address(address)) == subject
