"""Wrong passwords: counted, locked, released; and what a stranger cannot do with that (A-09)."""

import statistics
from time import thread_time

import pytest

from jobs.devices import Devices
from jobs.guessing import guarded, subject_of
from models.kernel.denials import AccountLocked
from models.kernel.errors import Unauthorized
from tests.jobs.logins import EMAIL, HOME, PASSWORD, STRANGER, House

DAY = 86_400


@pytest.fixture
def house(queue):
    return House(queue)


def test_an_unknown_address_takes_as_long_as_a_wrong_password(house):
    """Of the processor's time: what else a machine does is in nobody's password."""

    def seconds(email):
        taken = []
        for _ in range(5):
            started = thread_time()
            house.refused(email=email)
            taken.append(thread_time() - started)
            house.clock.move(900)
        return statistics.median(taken)

    seconds("warm@example.org")
    known, unknown = seconds(EMAIL), seconds("nobody@example.org")

    assert 0.5 < known / unknown < 2
    assert known < 0.2


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.org"])
def test_five_wrong_passwords_lock_even_the_right_one_for_a_quarter_of_an_hour(house, email):
    assert [house.refused(email=email) for _ in range(5)] == [Unauthorized] * 5
    house.clock.move(899)

    assert house.refused(PASSWORD, email=email) is AccountLocked
    with pytest.raises(AccountLocked) as caught:
        house.login(email=email)
    assert caught.value.retry_after == 1
    house.clock.move(1)
    if email == EMAIL:
        assert house.login()


def test_a_right_password_forgives_the_wrong_ones_before_it(house):
    for _ in range(3):
        for _ in range(4):
            house.refused()
        assert house.login(origin=STRANGER)


def test_right_guesses_among_many_at_once_are_worth_no_more_than_five(house, database):
    """Twenty guesses read an open lock before any of them fails; the right one comes last."""
    subject, clock = subject_of("test"), house.clock

    def wrong():
        guarded(subject, lambda: None, clock)

    def right():
        for _ in range(5):
            wrong()
        return "let in"

    with pytest.raises(AccountLocked):
        guarded(subject, right, clock)


def test_a_stranger_cannot_lock_out_a_device_that_logged_in_before(house):
    known = house.login(device="laptop").device_token
    house.clock.move(31 * DAY)
    for _ in range(6):
        house.refused(origin=STRANGER)

    assert house.refused(PASSWORD, STRANGER) is AccountLocked
    assert house.login(origin=STRANGER, device_token=known)


def test_a_stranger_cannot_lock_out_a_place_this_person_logged_in_from_lately(house):
    house.login()
    for _ in range(6):
        house.refused(origin=STRANGER)

    assert house.refused(PASSWORD, STRANGER) is AccountLocked
    assert house.login(origin=HOME)


def test_a_known_device_counts_its_own_wrong_passwords(house):
    known = house.login().device_token
    for _ in range(5):
        house.refused(device_token=known)

    assert house.refused(PASSWORD, device_token=known) is AccountLocked


def test_a_device_token_is_of_one_person_and_cannot_be_made_up(house):
    devices = Devices(b"a key", house.clock)
    mine = devices.token_for(EMAIL)
    counters = {
        devices.counter(EMAIL, house.ada, token, "198.51.100.1")
        for token in ("", "ild_" + "A" * 64, devices.token_for("bob@example.org"), mine[:-1])
    }

    assert len(counters) == 1
    assert devices.counter(EMAIL, house.ada, mine, "198.51.100.1") not in counters
    assert devices.token_for(EMAIL, mine) == mine
