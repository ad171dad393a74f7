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


def health(clock=None, **probes):
    return {"health": Health(probes, "1.2.3", clock or SystemClock(), patience=0.2)}


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
        leave.wait(20)

    clock = FakeClock()
    browser = open_browser(parts=health(clock, database=fine, redis=hang))
    first = browser.get("/health").json
    clock.move(5)
    second = browser.get("/health").json
    leave.set()

    assert first["status"] == second["status"] == "degraded"
    assert started == [1]


def test_asking_often_probes_once_a_second(open_browser):
    asked, clock = [], FakeClock()
    browser = open_browser(parts=health(clock, database=lambda: asked.append(1)))

    for pending in [browser.send("GET", "/health") for _ in range(20)]:
        pending.result(10)
    assert len(asked) == 1
    clock.move(1.5)
    browser.get("/health")
    assert len(asked) == 2
