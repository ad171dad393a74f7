"""Profiles, preferences, and what administrators may do to whom (A-20 – A-24, A-30, A-31, A-34)."""

from collections.abc import Callable

import pytest
from peewee import ProgrammingError

from models.kernel.database import Pool
from models.kernel.ids import wire_id
from models.people import AuditEntry
from tests import factories
from tests.api.browser import Browser
from tests.api.conftest import code
from tests.api.reader import Reader

pytestmark = pytest.mark.usefixtures("database")

As = Callable[[str], Reader]


@pytest.fixture
def as_(browser: Browser) -> As:
    """Make somebody of a role."""
    return lambda role: Reader(browser, factories.person(role=role))


def profile_of(reader: Reader) -> str:
    return f"/v1/users/{wire_id('user', reader.person.id)}"


def user(reader: Reader) -> str:
    return f"/v1/admin/users/{wire_id('user', reader.person.id)}"


def test_a_profile_tells_a_name_and_no_more(ada: Reader, bob: Reader) -> None:
    seen = bob.get(profile_of(ada))

    assert seen.status_code == 200
    assert set(seen.json) == {"id", "name", "createdAt", "avatarUrl", "avatarThumbnailUrl"}


@pytest.mark.parametrize("visibility", ["private", "friends"])
def test_a_hidden_profile_is_there_for_its_owner_alone(
    ada: Reader, bob: Reader, visibility: str
) -> None:
    wish = {"privacy": {"profileVisibility": visibility}}
    assert ada.patch("/v1/users/me/preferences", json=wish).status_code == 200

    assert code(bob.get(profile_of(ada))) == (404, "NOT_FOUND")
    assert code(bob.get(f"{profile_of(ada)}/books")) == (404, "NOT_FOUND")
    assert ada.get(profile_of(ada)).status_code == 200


@pytest.mark.parametrize("status", ["suspended", "deleted"])
def test_who_may_not_come_in_has_no_profile(ada: Reader, browser: Browser, status: str) -> None:
    gone = Reader(browser, factories.person(status=status))

    assert code(ada.get(profile_of(gone))) == (404, "NOT_FOUND")


def test_of_somebodys_books_others_see_the_public_ones(ada: Reader, bob: Reader) -> None:
    shown = ada.upload(title="Shown", visibility="public").json["id"]
    ada.upload(title="Kept")

    listed = [bob.get(f"{profile_of(ada)}/books"), ada.get(f"{profile_of(ada)}/books")]

    assert [[book["id"] for book in each.json["data"]] for each in listed] == [[shown], [shown]]


def test_preferences_are_the_usual_ones_until_somebody_says_otherwise(ada: Reader) -> None:
    before = ada.get("/v1/users/me/preferences").json
    after = ada.patch(
        "/v1/users/me/preferences", json={"theme": "dark", "reading": {"zoomPercent": 150}}
    ).json

    assert before["theme"] == "system"
    assert before["notifications"] == {
        "email": True, "productNews": False, "clubActivity": True, "costSummary": "off"
    }  # fmt: skip
    assert after == {
        **before, "theme": "dark", "reading": {**before["reading"], "zoomPercent": 150}
    }  # fmt: skip
    assert ada.get("/v1/users/me/preferences").json == after


def test_one_preference_leaves_the_others_as_they_were(ada: Reader, bob: Reader) -> None:
    ada.patch("/v1/users/me/preferences", json={"theme": "dark"})
    ada.patch("/v1/users/me/preferences", json={"language": "de"})

    mine, others = (each.get("/v1/users/me/preferences").json for each in (ada, bob))
    assert (mine["theme"], mine["language"]) == ("dark", "de")
    assert (others["theme"], others["language"]) == ("system", "en")


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"theme": "pink"}, "theme"),
        ({"privacy": {"profileVisibility": "nobody"}}, "privacy.profileVisibility"),
        ({"reading": {"zoomPercent": 24}}, "reading.zoomPercent"),
        ({"font": "serif"}, "font"),
    ],
)
def test_a_preference_that_is_none_is_named(
    ada: Reader, wish: dict[str, object], field: str
) -> None:
    answer = ada.patch("/v1/users/me/preferences", json=wish)

    assert code(answer) == (400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in answer.json["error"]["details"]] == [field]


def test_an_administrator_changes_a_tier_and_both_can_read_who_did(ada: Reader, as_: As) -> None:
    admin = as_("admin")

    answer = admin.patch(user(ada), json={"tier": "premium"})

    assert (answer.status_code, answer.json["tier"]) == (200, "premium")
    entry = {
        "action": "user.changed",
        "actorId": wire_id("user", admin.person.id),
        "details": {"before": {"tier": "free"}, "after": {"tier": "premium"}},
        "requestId": answer.headers["x-request-id"],
    }
    for seen in (ada.get("/v1/users/me/activity"), admin.get(f"{user(ada)}/audit")):
        assert [{**each, "createdAt": 0} for each in seen.json["data"]] == [
            {**entry, "createdAt": 0}
        ]


def test_who_is_suspended_is_out_at_once_and_comes_back(ada: Reader, as_: As) -> None:
    admin = as_("admin")

    admin.patch(user(ada), json={"status": "suspended"})
    assert code(ada.get("/v1/users/me")) == (401, "UNAUTHORIZED")

    admin.patch(user(ada), json={"status": "active"})
    assert ada.get("/v1/users/me").status_code == 200


def test_who_is_deleted_is_out_for_good(ada: Reader, as_: As) -> None:
    admin = as_("admin")

    assert admin.send("DELETE", user(ada)).status_code == 204
    admin.patch(user(ada), json={"status": "active"})

    assert code(ada.get("/v1/users/me")) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize("target", ["admin", "super_admin"])
@pytest.mark.parametrize("wish", [{"role": "user"}, {"status": "suspended"}, {"tier": "premium"}])
def test_an_administrator_cannot_touch_another(as_: As, target: str, wish: dict[str, str]) -> None:
    answer = as_("admin").patch(user(as_(target)), json=wish)

    assert code(answer) == (403, "INSUFFICIENT_PERMISSIONS")


@pytest.mark.parametrize("role", ["admin", "super_admin"])
def test_an_administrator_cannot_make_another(ada: Reader, as_: As, role: str) -> None:
    answer = as_("admin").patch(user(ada), json={"role": role})

    assert code(answer) == (403, "INSUFFICIENT_PERMISSIONS")
    assert as_("super_admin").patch(user(ada), json={"role": role}).status_code == 200


@pytest.mark.parametrize("wish", [{"role": "user"}, {"status": "suspended"}])
def test_nobody_changes_their_own_role_or_status(as_: As, wish: dict[str, str]) -> None:
    as_("super_admin")
    mine = as_("super_admin")

    assert code(mine.patch(user(mine), json=wish)) == (409, "CONFLICT")
    assert mine.patch(user(mine), json={"tier": "premium"}).status_code == 200


def test_one_super_admin_always_remains(as_: As) -> None:
    first, second = as_("super_admin"), as_("super_admin")

    assert first.patch(user(second), json={"role": "user"}).status_code == 200
    assert first.patch(user(second), json={"role": "super_admin"}).status_code == 200
    assert second.send("DELETE", user(first)).status_code == 204
    assert code(second.send("DELETE", user(second))) == (409, "CONFLICT")


def test_a_change_of_nothing_is_refused_and_one_to_the_same_is_no_change(
    ada: Reader, as_: As
) -> None:
    admin = as_("admin")

    assert code(admin.patch(user(ada), json={})) == (400, "VALIDATION_ERROR")
    assert admin.patch(user(ada), json={"tier": "free"}).status_code == 200
    assert AuditEntry.select().count() == 0


def test_users_are_found_by_address_role_tier_and_status(as_: As) -> None:
    admin, found = as_("admin"), as_("moderator")
    email = str(found.person.email)

    def ids(query: str) -> list[str]:
        return [each["id"] for each in admin.get(f"/v1/admin/users?{query}").json["data"]]

    assert ids(f"email={email.upper()}") == [wire_id("user", found.person.id)]
    assert ids("role=moderator") == [wire_id("user", found.person.id)]
    assert ids("status=suspended") == []
    assert set(ids("role=moderator,admin&tier=free")) == {
        wire_id("user", each.person.id) for each in (admin, found)
    }


def test_what_was_done_cannot_be_changed_by_the_program(database: Pool) -> None:
    factories.audit_entry()

    with pytest.raises(ProgrammingError, match="permission denied"):
        database.rows("update audit_entry set action = 'nothing'")
    with pytest.raises(ProgrammingError, match="permission denied"):
        database.rows("delete from audit_entry")
