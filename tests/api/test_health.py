"""Health, whatever the dependencies do."""

from threading import Event

import pytest

from api.live.health import Health
from models.kernel.clock import SystemClock
from tests.fakes.clock import FakeClock


def fine():
    """Be up."""


def away():
    raise OSError("password=hush")


def health(clock=None, patience=60.0, **probes):
    return {"health": Health(probes, "1.2.3", clock or SystemClock(), patience=patience)}


@pytest.mark.parametrize(
    ("database", "redis", "status", "said"),
    [
        (fine, fine, 200, "ok"),
        (fine, away, 200, "degraded"),
        (away, fine, 503, "down"),
    ],
)
def test_only_the_database_takes_the_service_down(open_browser, database, redis, status, said):
    answer = open_browser(parts=health(database=database, redis=redis)).get("/health")

    assert (answer.status_code, answer.json["status"]) == (status, said)
    assert answer.json["version"] == "1.2.3"
    assert set(answer.json["dependencies"]) == {"database", "redis"}
    assert "hush" not in answer.text


def test_one_dependency_can_be_asked_alone(open_browser):
    browser = open_browser(parts=health(database=fine, redis=away))

    assert browser.get("/health/database").json["status"] == "ok"
    assert browser.get("/health/redis").status_code == 503
    assert browser.get("/health/nothing").status_code == 404


def test_figures_that_a_probe_finds_are_told_with_it(open_browser):
    figures = {"in_use": 1, "idle": 2, "free": 17}
    browser = open_browser(parts=health(database=lambda: figures, redis=fine))

    assert browser.get("/health/database").json["figures"] == figures
    assert "figures" not in browser.get("/health/redis").json


def test_a_probe_that_hangs_is_down_and_not_started_again(open_browser):
    leave, started = Event(), []

    def hang():
        started.append(1)
        leave.wait(60)

    clock = FakeClock()
    browser = open_browser(parts=health(clock, patience=0.2, redis=hang))
    first = browser.get("/health").json
    clock.move(5)
    second = browser.get("/health").json
    leave.set()

    assert first["status"] == second["status"] == "degraded"
    assert started == [1]


def test_a_process_that_stood_still_blames_no_dependency_for_it(open_browser):
    begun, go_on = Event(), Event()

    def slow():
        begun.set()
        go_on.wait(60)
        Event().wait(0.1)

    def stand_still():
        Event().wait(1.0)
        go_on.set()

    browser = open_browser(parts=health(patience=0.5, database=slow))
    asked = browser.send("GET", "/health")
    assert begun.wait(60)
    browser.on_loop(stand_still)

    assert asked.result(60).json["status"] == "ok"


def test_asking_often_probes_once_a_second(open_browser):
    asked, clock = [], FakeClock()
    browser = open_browser(parts=health(clock, database=lambda: asked.append(1)))

    for pending in [browser.send("GET", "/health") for _ in range(20)]:
        pending.result(60)
    assert len(asked) == 1
    clock.move(1.5)
    browser.get("/health")
    assert len(asked) == 2
