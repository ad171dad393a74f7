"""Deleting one's own account over HTTP (A-33)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from falcon.testing import Result

from jobs.erasure import PurgePerson
from models.accounts import Person
from models.jobs import JobRow
from models.kernel.ids import wire_id
from tests import factories
from tests.api.browser import Browser
from tests.api.conftest import PASSWORD, code, make_key
from tests.api.reader import Reader
from tests.organization_factories import membership

pytestmark = pytest.mark.usefixtures("database")


def leave(browser: Browser, me: dict[str, str], **body: Any) -> Result:
    return browser.request("DELETE", "/v1/users/me", headers=me, json=body)


def test_a_password_ends_all_access_at_once(
    browser: Browser, me: dict[str, str], email: str
) -> None:
    key = make_key(browser, me).json["key"]

    begun, slack = datetime.now(UTC), timedelta(seconds=1)
    answer = leave(browser, me, password=PASSWORD)

    assert answer.status_code == 202
    ends = datetime.fromisoformat(answer.json["purgeAt"])
    assert begun - slack < ends - timedelta(days=14) < datetime.now(UTC) + slack
    for headers in (me, {"X-API-Key": key}):
        assert code(browser.get("/v1/users/me", headers=headers)) == (401, "UNAUTHORIZED")
    login = browser.post("/v1/auth/login", json={"email": email, "password": PASSWORD})
    assert code(login) == (403, "ACCOUNT_DELETED")
    assert f"{ends:%d %B %Y}" in login.json["error"]["message"]


def test_who_asks_for_erasure_is_purged_at_once(
    browser: Browser, me: dict[str, str], email: str
) -> None:
    """X-16, Z-05."""
    who = Person.by_email(email)
    assert who is not None

    answer = leave(browser, me, password=PASSWORD, erase=True)

    assert answer.status_code == 202
    purged_at = datetime.fromisoformat(answer.json["purgeAt"])
    assert purged_at < datetime.now(UTC) + timedelta(seconds=1)
    (job,) = JobRow.open_about(who.id)
    assert PurgePerson.from_input(job.input) == PurgePerson(who.id)


@pytest.mark.parametrize("body", [{}, {"password": ""}, {"password": "not this one"}])
def test_without_the_password_nothing_happens(
    browser: Browser, me: dict[str, str], body: dict[str, str]
) -> None:
    assert code(leave(browser, me, **body)) == (401, "UNAUTHORIZED")
    assert browser.get("/v1/users/me", headers=me).status_code == 200


def test_who_has_a_second_factor_shows_it(browser: Browser, me: dict[str, str], email: str) -> None:
    factories.factor(Person.by_email(email), confirmed_at=datetime.now(UTC))

    assert code(leave(browser, me, password=PASSWORD)) == (403, "STEP_UP_REQUIRED")


def test_the_last_owner_of_an_organization_cannot_leave_it_behind(
    browser: Browser, me: dict[str, str], email: str
) -> None:
    owner = Person.by_email(email)
    assert owner is not None
    mine = membership(owner, role="owner")
    assert code(leave(browser, me, password=PASSWORD)) == (409, "CONFLICT")

    membership(account_id=mine.account_id, role="owner")

    assert leave(browser, me, password=PASSWORD).status_code == 202


def test_an_api_key_deletes_nobody(ada: Reader) -> None:
    answer = ada.delete("/v1/users/me", json={"password": PASSWORD})

    assert code(answer) == (403, "FORBIDDEN")


def test_an_administrator_sees_when_and_brings_them_back(
    browser: Browser, me: dict[str, str], email: str
) -> None:
    admin = Reader(browser, factories.person(role="admin"))
    left = Person.by_email(email)
    assert left is not None
    path = f"/v1/admin/users/{wire_id('user', left.id)}"
    told = leave(browser, me, password=PASSWORD).json

    assert admin.get(path).json["purgeAt"] == told["purgeAt"]
    back = admin.patch(path, json={"status": "active"}).json

    assert (back["status"], back["purgeAt"]) == ("active", None)
    login = browser.post("/v1/auth/login", json={"email": email, "password": PASSWORD})
    assert login.status_code == 200
