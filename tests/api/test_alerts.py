"""Alerts, as operators see them and take them on."""

import pytest

from models.accounts import Person
from models.kernel.clock import SystemClock
from models.kernel.ids import new_id
from tests.api.conftest import code
from tests.watch_factories import alert

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def admin(me):
    Person.update(role="admin").execute()
    return me


def listed(browser, admin, query=""):
    return [
        each["subject"]
        for each in browser.get(f"/v1/admin/alerts{query}", headers=admin).json["data"]
    ]


def test_alerts_that_go_on_are_listed_unless_asked_otherwise(browser, admin):
    alert(subject="llm")
    alert(subject="pages", ended_at=SystemClock().now())
    alert(subject="suspected", began_at=None)

    assert listed(browser, admin) == ["llm"]
    assert listed(browser, admin, "?state=ended") == ["pages"]
    assert sorted(listed(browser, admin, "?state=begun,ended")) == ["llm", "pages"]


def test_the_first_who_acknowledges_takes_care(browser, admin):
    row = alert()
    path = f"/v1/admin/alerts/alert_{row.id.hex}/acknowledge"
    first = browser.post(path, headers=admin).json
    second = browser.post(path, headers=admin).json

    assert first["acknowledgedBy"] == f"user_{Person.get().id.hex}"
    assert first["acknowledgedAt"] == second["acknowledgedAt"]


def test_what_is_no_alert_is_not_found(browser, admin):
    suspected = alert(began_at=None)
    for alert_id in (suspected.id, new_id()):
        answer = browser.post(f"/v1/admin/alerts/alert_{alert_id.hex}/acknowledge", headers=admin)

        assert code(answer) == (404, "NOT_FOUND")
