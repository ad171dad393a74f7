"""Logins: opened, refreshed, ended; and what a thief or a stranger gets."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from jobs.accounts import standing
from jobs.refresh_tokens import RefreshToken
from jobs.tokens import Claimed
from models.accounts import Person
from models.kernel.denials import EmailNotVerified
from models.kernel.errors import NotFound, TokenExpired, Unauthorized
from models.kernel.ids import new_id
from models.logins import LoginSession
from tests.jobs.logins import EMAIL, HOME, STRANGER, House, attempts

DAY = 86_400
WRONG = "not this one"


@pytest.fixture
def house(queue):
    return House(queue)


def is_open(house, opened):
    try:
        login = Claimed(opened.person.id, opened.session.id)
        standing(login, house.logins.idle, house.clock)
    except Unauthorized:
        return False
    return True


def test_a_login_is_a_row_that_tells_where_from_and_holds_no_secret(house):
    opened = house.login(device="laptop")

    row = LoginSession.get_by_id(opened.session.id)
    assert (row.device, row.address, row.agent) == ("laptop", "192.0.2.7", "a browser")
    assert bytes(row.refresh_digest) not in opened.refresh_token.encode()
    assert Person.by_id(house.ada.id).last_login_at == house.clock.now()


def test_each_refresh_gives_a_new_token_and_keeps_the_login(house):
    opened = house.login()
    seen = [opened.refresh_token]
    for _ in range(3):
        house.clock.move(900)
        seen.append(house.logins.refresh(seen[-1], HOME).refresh_token)

    assert len(set(seen)) == 4
    assert LoginSession.get_by_id(opened.session.id).generation == 3


def test_a_token_used_twice_within_ten_seconds_gives_the_same_new_one(house):
    first = house.login().refresh_token
    once = house.logins.refresh(first, HOME)
    house.clock.move(10)
    twice = house.logins.refresh(first, HOME)

    assert once.refresh_token == twice.refresh_token
    assert house.logins.refresh(twice.refresh_token, HOME).refresh_token != once.refresh_token


def test_a_token_used_by_many_at_once_gives_all_of_them_the_same(house, database):
    first = house.login().refresh_token

    def refresh(_):
        with database.borrowed():
            return house.logins.refresh(first, HOME).refresh_token

    with ThreadPoolExecutor(8) as pool:
        given = set(pool.map(refresh, range(8)))

    assert len(given) == 1


def test_a_token_used_again_later_ends_the_login_for_everybody(house):
    opened = house.login()
    stolen = opened.refresh_token
    newest = house.logins.refresh(stolen, HOME).refresh_token
    house.clock.move(11)

    for token in (stolen, newest):
        with pytest.raises(Unauthorized):
            house.logins.refresh(token, STRANGER)

    assert not is_open(house, opened)
    assert LoginSession.get_by_id(opened.session.id).end_reason == "reuse"
    assert ("refresh", "reused", "203.0.113.9") in attempts("action", "outcome", "address")


def test_an_old_token_of_the_chain_ends_the_login_even_within_ten_seconds(house):
    opened = house.login()
    second = house.logins.refresh(opened.refresh_token, HOME).refresh_token
    house.logins.refresh(second, HOME)

    with pytest.raises(Unauthorized):
        house.logins.refresh(opened.refresh_token, STRANGER)

    assert not is_open(house, opened)


@pytest.mark.parametrize("generation", [0, 1, 2, 3, 4_000_000_000])
def test_a_made_up_token_of_a_login_does_not_end_it(house, generation):
    opened = house.login()
    for _ in range(2):
        opened = house.logins.refresh(opened.refresh_token, HOME)
    forged = RefreshToken(opened.session.id, generation, b"x" * 32)

    with pytest.raises(Unauthorized):
        house.logins.refresh(forged.text, STRANGER)

    assert is_open(house, opened)
    assert house.logins.refresh(opened.refresh_token, HOME)


@pytest.mark.parametrize("text", ["", "ilr_", "ilr_" + "!" * 72, "x" * 76, "é", "ilr_" + "A" * 72])
def test_what_is_no_refresh_token_is_refused(house, text):
    with pytest.raises(Unauthorized):
        house.logins.refresh(text, STRANGER)


def test_a_login_that_is_not_refreshed_is_over_after_the_idle_time(queue):
    house = House(queue, {"session_idle_minutes": 60})
    kept, idle = house.login(), house.login()
    house.clock.move(3_599)
    kept = house.logins.refresh(kept.refresh_token, HOME)
    house.clock.move(1)

    assert house.logins.refresh(kept.refresh_token, HOME)
    with pytest.raises(TokenExpired):
        house.logins.refresh(idle.refresh_token, HOME)


def test_a_login_is_over_after_its_longest_time_however_often_it_is_refreshed(queue):
    house = House(queue, {"session_days": 1})
    opened = house.login()
    for _ in range(4):
        house.clock.move(DAY / 4 - 1)
        opened = house.logins.refresh(opened.refresh_token, HOME)
    house.clock.move(4)

    with pytest.raises(TokenExpired):
        house.logins.refresh(opened.refresh_token, HOME)
    assert not is_open(house, opened)


def test_a_login_ended_is_over_at_once_and_cannot_be_refreshed(house):
    opened, other = house.login(), house.login()

    house.logins.end(opened.session.id, house.ada.id, "logout")

    assert not is_open(house, opened)
    with pytest.raises(Unauthorized):
        house.logins.refresh(opened.refresh_token, HOME)
    assert is_open(house, other)


def test_nobody_ends_the_login_of_another(house):
    opened = house.login()

    with pytest.raises(NotFound):
        house.logins.end(opened.session.id, new_id())

    assert is_open(house, opened)


def test_who_is_suspended_does_not_refresh(house):
    opened = house.login()
    Person.update(status="suspended").execute()

    with pytest.raises(Unauthorized):
        house.logins.refresh(opened.refresh_token, HOME)


def test_every_attempt_is_written_down_with_who_where_and_how_it_ended(house):
    house.refused()
    house.refused(email="nobody@example.org", origin=STRANGER)
    opened = house.login()
    house.logins.refresh(opened.refresh_token, HOME)

    columns = ("action", "outcome", "user_id", "email", "address", "agent", "request_id")
    ada, home = house.ada.id, ("192.0.2.7", "a browser", "req_home")
    away = ("203.0.113.9", "another browser", "req_away")
    assert attempts(*columns) == [
        ("login", "wrong", ada, EMAIL, *home),
        ("login", "wrong", None, "nobody@example.org", *away),
        ("login", "ok", ada, EMAIL, *home),
        ("refresh", "ok", ada, EMAIL, *home),
    ]  # fmt: skip


def test_an_address_that_is_not_verified_does_not_log_in_where_that_is_wanted(queue):
    house = House(queue, {"smtp_url": "smtp://mail.example"})

    for _ in range(7):
        with pytest.raises(EmailNotVerified):
            house.login()

    assert house.letters() == [("verify", EMAIL)] * 5
    house.recovery.verify(house.letter("verify")[0], HOME)
    assert house.login()
