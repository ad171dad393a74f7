"""Acting for an organization: whose books, by which rights, until when (A-26, A-27)."""

from uuid import UUID

import pytest

from models.jobs import JobRow
from models.kernel.database import Pool
from models.kernel.ids import new_id, wire_id
from models.roles import permissions_in_organization, permissions_of, roles_in_organization
from tests import factories
from tests.api.browser import Browser
from tests.api.conftest import PASSWORD, code
from tests.api.organizations import House, founded, user
from tests.api.reader import Reader, form
from tests.streams import eventually

pytestmark = pytest.mark.usefixtures("database")

NOT_THERE = (404, "NOT_FOUND")
ECHO = {"type": "system.echo", "input": {"text": "hello"}}


@pytest.fixture
def house(browser: Browser) -> House:
    """An organization with an owner."""
    return founded(browser)


def test_two_people_of_one_organization_see_the_same_and_alone_neither_does(
    house: House,
) -> None:
    ada, bob = house.with_("member"), house.with_("viewer")
    parts = form(b"some text", "a.txt", title="Ours")
    uploaded = house.ask(ada, "POST", "/v1/books", **parts).json["id"]
    chat = house.ask(ada, "POST", "/v1/chats", json={"title": "Ours"}).json["id"]
    job = house.ask(ada, "POST", "/v1/jobs", json=ECHO).json["id"]
    prompt = house.ask(ada, "POST", "/v1/prompts", json={"title": "A", "template": "Say"})
    paths = [f"/v1/books/{uploaded}", f"/v1/chats/{chat}", f"/v1/jobs/{job}"]
    paths.append(f"/v1/prompts/{prompt.json['id']}")

    for path in paths:
        listed = path.rpartition("/")[0]
        for who in (ada, bob):
            assert house.ask(who, "GET", path).status_code == 200
            seen = house.ask(who, "GET", listed).json["data"]
            assert path.rpartition("/")[2] in [each["id"] for each in seen]
            assert code(who.get(path)) == NOT_THERE
            assert who.get(listed).json["data"] == []
    assert JobRow.get_by_id(UUID(job.removeprefix("job_"))).account_id == house.account_id


def test_colleagues_go_on_with_each_others_chats(house: House) -> None:
    ada = house.with_("member")
    chat = f"/v1/chats/{house.ask(ada, 'POST', '/v1/chats', json={'title': 'A'}).json['id']}"
    said = {"content": "Hello", "answer": False}

    answer = house.ask(house.owner, "POST", f"{chat}/messages", json=said)

    assert answer.status_code in {200, 201}
    heard = house.ask(ada, "GET", f"{chat}/messages").json["data"]
    assert [each["content"] for each in heard] == ["Hello"]
    assert code(house.owner.post(f"{chat}/messages", json=said)) == NOT_THERE


def test_what_changes_of_an_organization_is_told_to_all_in_it(house: House) -> None:
    ada, bob = house.with_("member"), house.with_("viewer")
    chat = house.ask(ada, "POST", "/v1/chats", json={"title": "Ours"}).json["id"]

    def told(who: Reader, *, acting: bool) -> list[str]:
        feed = house.ask(who, "GET", "/v1/sync") if acting else who.get("/v1/sync")
        return [each["id"] for each in feed.json["changes"]]

    eventually(lambda: told(bob, acting=True))
    assert told(bob, acting=True) == told(ada, acting=True) == [chat]
    assert told(bob, acting=False) == told(ada, acting=False) == []


def test_what_is_ones_own_is_not_there_while_one_acts_for_it(house: House) -> None:
    ada = house.with_("member")
    mine = ada.book()
    key = ada.get("/v1/api-keys").json["data"][0]["id"]

    assert code(house.ask(ada, "GET", mine)) == NOT_THERE
    assert house.ask(ada, "GET", "/v1/api-keys").json["data"] == []
    assert code(house.ask(ada, "DELETE", f"/v1/api-keys/{key}")) == NOT_THERE
    assert ada.get(mine).status_code == 200


@pytest.mark.parametrize("header", ["", "org_", "org_1", "everything", "acct_" + "0" * 32])
def test_an_organization_that_cannot_be_is_not_there(ada: Reader, header: str) -> None:
    answer = ada.get("/v1/books", headers={"X-Organization": header})

    assert code(answer) == NOT_THERE


def test_a_stranger_cannot_act_for_it_nor_tell_that_it_is_there(house: House, bob: Reader) -> None:
    nowhere = {"X-Organization": wire_id("org", new_id())}
    personal = {"X-Organization": wire_id("org", house.owner.account_id)}

    told = [
        house.ask(bob, "GET", "/v1/books"),
        bob.get("/v1/books", headers=nowhere),
        bob.get("/v1/books", headers=personal),
    ]

    assert [code(each) for each in told] == [NOT_THERE] * 3
    assert len({each.json["error"]["message"] for each in told}) == 1


@pytest.mark.parametrize("role", roles_in_organization())
@pytest.mark.parametrize("own", ["viewer", "user", "super_admin"])
def test_one_may_do_what_both_roles_carry(house: House, role: str, own: str) -> None:
    who = house.with_(role, role=own)
    may = permissions_of(own) & permissions_in_organization(role)
    asks = {
        "books:read": ("GET", "/v1/books"),
        "books:write": ("DELETE", f"/v1/books/{wire_id('book', new_id())}"),
        "chats:write": ("POST", "/v1/chats"),
        "jobs:write": ("POST", "/v1/jobs"),
        "keys:write": ("POST", "/v1/api-keys"),
        "profile:write": ("PATCH", "/v1/users/me"),
        "users:admin": ("GET", "/v1/admin/users"),
    }

    came = {need: house.ask(who, *ask).status_code for need, ask in asks.items()}

    assert {need for need, status in came.items() if status != 403} == may & set(asks)


def test_a_viewer_of_an_organization_only_reads() -> None:
    assert all(each.endswith(":read") for each in permissions_in_organization("viewer"))
    assert all(
        permissions_in_organization(role) <= permissions_of("user")
        for role in roles_in_organization()
    )


def test_what_somebody_shows_for_it_is_not_on_their_own_profile(house: House, bob: Reader) -> None:
    ada = house.with_("member")
    ada.book(account_id=house.account_id, visibility="public")
    mine = ada.book(visibility="public")

    shown = bob.get(f"/v1/users/{user(ada)}/books").json["data"]

    assert [f"/v1/books/{each['id']}" for each in shown] == [mine]


def test_a_role_that_is_taken_away_is_so_at_the_next_request(house: House) -> None:
    ada = house.with_("member")
    assert house.ask(ada, "POST", "/v1/chats", json={"title": "A"}).status_code == 201

    house.change(house.owner, ada, "viewer")
    assert house.ask(ada, "POST", "/v1/chats", json={"title": "A"}).status_code == 403

    house.remove(house.owner, ada)
    assert code(house.ask(ada, "GET", "/v1/chats")) == NOT_THERE


def test_a_login_acts_for_it_as_a_key_does(house: House, email: str) -> None:
    browser = house.browser
    browser.post("/v1/auth/register", json={"email": email, "password": PASSWORD})
    login = browser.post("/v1/auth/login", json={"email": email, "password": PASSWORD}).json
    me = {"Authorization": f"Bearer {login['access_token']}"}
    own = browser.get("/v1/users/me", headers=me).json["id"]
    headers = {**me, "X-Organization": house.id}
    assert code(browser.get("/v1/books", headers=headers)) == NOT_THERE

    factories.BY_TABLE["membership"](
        user=UUID(own.removeprefix("user_")), account_id=house.account_id
    )

    assert browser.get("/v1/books", headers=headers).status_code == 200
    assert browser.get("/v1/oauth/apps", headers=me).status_code == 200
    assert code(browser.get("/v1/oauth/apps", headers=headers)) == (403, "FORBIDDEN")


def test_acting_costs_one_query_more_and_not_acting_none(house: House, database: Pool) -> None:
    asked: list[str] = []
    execute = database.execute_sql

    def counted(sql: str, *rest: object, **options: object) -> object:
        if "from ip_rule" not in sql:  # read every few seconds, whoever asks
            asked.append(sql)
        return execute(sql, *rest, **options)

    database.execute_sql = counted  # type: ignore[method-assign]  # counts, and asks all the same
    try:
        house.owner.get("/v1/api-keys")
        alone = len(asked)
        asked.clear()
        house.ask(house.owner, "GET", "/v1/api-keys")
    finally:
        database.execute_sql = execute  # type: ignore[method-assign]  # as it was

    assert len(asked) == alone + 1


def test_a_batch_acts_for_it_too(house: House) -> None:
    inside = {"requests": [{"id": "a", "method": "GET", "path": "/v1/chats"}]}
    house.ask(house.owner, "POST", "/v1/chats", json={"title": "Ours"})

    (answer,) = house.ask(house.owner, "POST", "/v1/batch", json=inside).json["responses"]

    assert [each["title"] for each in answer["body"]["data"]] == ["Ours"]


def test_a_repeated_request_is_not_answered_with_anothers(house: House) -> None:
    once = {"Idempotency-Key": "one"}
    wish = {"name": "laptop"}
    mine = house.owner.post("/v1/api-keys", json=wish, headers=once).json["id"]
    ours = house.ask(house.owner, "POST", "/v1/api-keys", json=wish, headers=once).json["id"]

    assert mine != ours
