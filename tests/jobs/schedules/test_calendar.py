"""When schedules are due: slots of the calendar, in UTC whatever the machine's zone."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs.schedules.calendar import Schedule, schedules


def schedule(cron: str = "", every: int = 0) -> Schedule:
    return Schedule(words="", most_seconds=1, cron=cron, every=every)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("cron", "now", "latest", "following"),
    [
        ("*/10 * * * *", "2027-12-01 00:00", "2027-12-01 00:00", "2027-12-01 00:10"),
        ("*/10 * * * *", "2027-11-30 23:59:59.9", "2027-11-30 23:50", "2027-12-01 00:00"),
        ("5 3 * * *", "2027-06-01 03:04:59", "2027-05-31 03:05", "2027-06-01 03:05"),
        ("0 0 1 * *", "2028-02-29 23:59", "2028-02-01 00:00", "2028-03-01 00:00"),
        ("0 0 29 2 *", "2027-06-01 00:00", "2024-02-29 00:00", "2028-02-29 00:00"),
        ("30 2 * * *", "2027-03-28 02:45", "2027-03-28 02:30", "2027-03-29 02:30"),
        ("30 2 * * *", "2027-10-31 03:45", "2027-10-31 02:30", "2027-11-01 02:30"),
        ("0 4 * * mon", "2027-06-01 00:00", "2027-05-31 04:00", "2027-06-07 04:00"),
    ],
    ids=["on the slot", "just before", "daily", "leap day", "rare", "spring", "autumn", "weekly"],
)
def test_the_last_slot_and_the_next_one(cron: str, now: str, latest: str, following: str) -> None:
    due = schedule(cron)

    assert (due.latest(at(now)), due.next(at(now))) == (at(latest), at(following))


def test_slots_of_seconds_are_counted_from_1970() -> None:
    due = schedule(every=90)
    now = at("2027-06-01 12:00:44")

    assert due.latest(now) == at("2027-06-01 12:00:00")
    assert due.next(now) == at("2027-06-01 12:01:30")


@pytest.mark.parametrize(
    "given",
    [{}, {"cron": "* * * * *", "every": 9}, {"cron": "* * * *"}, {"cron": "61 * * * *"}],
    ids=["none", "both", "too few fields", "no minute"],
)
def test_a_calendar_that_is_none_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"either|argument|61"):
        Schedule(words="", most_seconds=1, **given)  # type: ignore[arg-type]  # that is the point


def test_a_day_that_never_comes_is_refused() -> None:
    with pytest.raises(ValueError, match="never comes"):
        schedule("0 0 31 2 *").next(at("2027-06-01 00:00"))


@pytest.mark.parametrize("name", sorted(schedules()))
def test_every_schedule_comes_at_least_once_a_month_and_ends_before_it_comes_often(
    name: str,
) -> None:
    due, now = schedules()[name], at("2028-02-29 23:59")

    assert timedelta(seconds=due.every or 60) <= due.interval(now) <= timedelta(days=31)
    assert due.words.strip()
    assert due.most_seconds > 0
    assert not set("0123456789") & set(due.cron.split()[-1] if due.cron else "")
