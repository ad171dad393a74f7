"""The watch: what is wrong is told once when it begins and once when it is over."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from peewee import OperationalError

from jobs.gauges import Gauges
from jobs.queues import pause
from jobs.watch.bells import Notice
from jobs.watch.lead import KEY, Lead
from jobs.watch.rules import Readings, rules
from jobs.watch.senses import Senses
from jobs.watch.watch import KEPT, Watch
from models import alerts
from models.alerts import Alert
from models.kernel.cache import open_cache
from models.kernel.clock import SystemClock
from models.kernel.database import Pool
from models.kernel.errors import Unavailable
from models.kernel.ledgers import Ledgers
from models.kernel.measures import DEPENDENCY_UP, DISK_BYTES, DISK_FREE_BYTES
from models.kernel.settings import Settings
from tests.fakes.clock import FakeClock
from tests.watch_factories import alert, scheduled_run

FULL = "the disk of the home has 5.0% left"


class Bell:
    """Keeps what it was rung for; may be out of order."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, str]] = []
        self.is_broken = False

    def ring(self, notice: Notice) -> None:
        if self.is_broken:
            raise Unavailable("nobody is there")
        self.heard.append((notice.state, notice.name, notice.subject))


class House:
    """What is known of an installation that does not exist."""

    def __init__(self) -> None:
        self.free = 50
        self.up = {"database": True}

    def sense(self) -> Readings:
        up = [(DEPENDENCY_UP, (name,), is_up) for name, is_up in self.up.items()]
        return Readings({}, [(DISK_BYTES, (), 100), (DISK_FREE_BYTES, (), self.free), *up])


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def bell() -> Bell:
    return Bell()


@pytest.fixture
def watch(database: Pool, house: House, bell: Bell) -> Watch:
    return opened(house.sense, bell)


def opened(
    sense: Callable[[], Readings], *bells: Any, leads: bool = True, clock: Any = None
) -> Watch:
    return Watch(sense, lambda: leads, bells, clock or SystemClock())


def ago(database: Pool, column: str, seconds: float) -> None:
    database.rows(f"update alert set {column} = now() - make_interval(secs => %s)", (seconds,))


def disk(*states: str) -> Sequence[tuple[str, str, str]]:
    return [(state, "IlmDiskFull", "") for state in states]


def test_what_goes_wrong_is_told_once_and_its_end_once(watch, house, bell) -> None:
    watch.round()
    house.free = 5
    watch.round()
    watch.round()
    assert bell.heard == disk("begun")
    assert [(each.words, each.state) for each in Alert.select()] == [(FULL, "begun")]

    house.free = 50
    watch.round()
    watch.round()

    assert bell.heard == disk("begun", "ended")


def test_what_comes_again_is_another_alert(watch, house, bell) -> None:
    for free in (5, 50, 5):
        house.free = free
        watch.round()

    assert bell.heard == disk("begun", "ended", "begun")
    assert Alert.select().count() == 2


def test_what_has_to_last_is_suspected_first(database, watch, house, bell) -> None:
    house.up["redis"] = False
    watch.round()
    assert bell.heard == []
    assert list(Alert.listed(["begun", "ended"])) == []

    ago(database, "seen_at", 61)
    watch.round()

    assert bell.heard == [("begun", "IlmDependencyDown", "redis")]


def test_a_suspicion_that_passes_leaves_nothing(watch, house, bell) -> None:
    house.up["redis"] = False
    watch.round()
    house.up["redis"] = True
    watch.round()

    assert (bell.heard, Alert.select().count()) == ([], 0)


def test_what_nobody_heard_is_told_again(database, watch, house, bell) -> None:
    bell.is_broken = True
    house.free = 5
    watch.round()
    bell.is_broken = False
    watch.round()
    assert bell.heard == []

    ago(database, "telling_until", 1)
    watch.round()

    assert bell.heard == disk("begun")


def test_one_bell_that_is_broken_does_not_silence_another(database, house, bell) -> None:
    broken = Bell()
    broken.is_broken = True
    house.free = 5

    opened(house.sense, broken, bell).round()

    assert bell.heard == disk("begun")
    assert Alert.get().told == "begun"


def test_what_goes_on_is_repeated_until_somebody_takes_it_on(database, watch, house, bell) -> None:
    house.free = 5
    watch.round()
    ago(database, "told_at", 4 * 3_600 + 1)
    watch.round()
    assert bell.heard == disk("begun", "begun")

    ago(database, "told_at", 4 * 3_600 + 1)
    ago(database, "acknowledged_at", 1)
    watch.round()
    assert bell.heard == disk("begun", "begun")

    house.free = 50
    watch.round()
    assert bell.heard == disk("begun", "begun", "ended")


def test_any_number_at_once_tell_once(database, house, bell) -> None:
    house.free = 5
    crew = [opened(house.sense, bell) for _ in range(4)]

    with ThreadPoolExecutor(len(crew)) as crowd:
        list(crowd.map(Watch.round, crew * 3))

    assert bell.heard == disk("begun")


def test_who_does_not_lead_says_nothing(database, house, bell) -> None:
    house.free = 5

    opened(house.sense, bell, leads=False).round()

    assert (bell.heard, Alert.select().count()) == ([], 0)


def test_an_alert_whose_rule_cannot_be_judged_goes_on(database, watch, house, bell) -> None:
    house.free = 5
    watch.round()

    opened(lambda: Readings({}, []), bell).round()

    assert bell.heard == disk("begun")
    assert Alert.get().state == "begun"


def test_without_postgresql_its_absence_is_told_from_memory(
    database, house, bell, monkeypatch
) -> None:
    clock = FakeClock()
    watch = opened(house.sense, bell, clock=clock)

    def away(*_: Any, **__: Any) -> None:
        raise OperationalError("away")

    house.up["database"] = False
    with monkeypatch.context() as patched:
        patched.setattr(alerts, "note_seen", away)
        for _ in range(2):
            watch.round()
            clock.move(30)
        assert bell.heard == []
        watch.round()
        watch.round()
    assert bell.heard == [("begun", "IlmDependencyDown", "database")]

    house.up["database"] = True
    watch.round()
    watch.round()

    assert bell.heard[1:] == [("ended", "IlmDependencyDown", "database")]


def test_what_ended_long_ago_is_forgotten(database, watch) -> None:
    now = SystemClock().now()
    old, fresh = (alert(ended_at=now - KEPT + timedelta(days=days)) for days in (-1, 1))

    watch.forget()

    assert [each.id for each in Alert.select()] == [fresh.id]
    assert old.id != fresh.id


def test_one_leads_until_it_is_gone(settings: Settings) -> None:
    cache = open_cache(settings)
    cache.delete(KEY)
    first, second = Lead(cache), Lead(cache)

    assert [first.is_ours(), second.is_ours(), first.is_ours()] == [True, False, True]
    cache.delete(KEY)
    assert [second.is_ours(), first.is_ours()] == [True, False]
    cache.close()
    assert Lead(open_cache(Settings(redis_url="redis://127.0.0.1:1"))).is_ours()


def test_the_senses_find_out_what_is_wrong_with_real_parts(
    settings: Settings, database: Pool
) -> None:
    cache, clock = open_cache(settings), SystemClock()
    gauges = Gauges(settings, cache, Ledgers(settings), clock)

    def fails() -> None:
        raise OSError

    probes = {"redis": cache.ping, "storage": fails}
    senses = Senses(Ledgers(settings), gauges.find, probes, patience=60.0)
    pause("pages")
    past = clock.now() - timedelta(hours=3)
    scheduled_run(name="chats", slot=past, finished_at=past)
    scheduled_run(name="logins", slot=past, started_at=past, finished_at=past, outcome="failed")
    scheduled_run(name="backup", outcome="skipped")
    found = senses.read()
    cache.close()

    assert found.sums("ilm_dependency_up", ["dependency"]) == {"redis": 1, "storage": 0}
    ages = found.sums("ilm_schedule_success_age_seconds", ["schedule"])
    assert {name: round(age / 3_600) for name, age in ages.items()} == {"chats": 3, "logins": 3}
    late = rules()["IlmScheduleLate"].symptoms("IlmScheduleLate", found, None)
    assert {each.subject for each in late} == {"chats", "logins"}
    assert found.sums("ilm_queue_paused", ["queue"])["pages"] == 1
    assert 0 < found.sums("ilm_disk_free_bytes", [])[""] <= found.sums("ilm_disk_bytes", [])[""]
