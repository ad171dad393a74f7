"""Lists of books are kept, and nobody can tell but by the time it takes (G-22)."""

from random import Random
from uuid import UUID

import pytest

from models.accounts import Person
from models.books import Book
from models.kernel.cache import open_cache
from tests import factories
from tests.api.conftest import PASSWORD, address

SEED = 20261121
STEPS = 80
LISTS = ("/v1/books", "/v1/books?mine=true&sort=title", "/v1/books?visibility=public&limit=3")

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def keeping(open_browser, settings):
    """A browser at a process that keeps answers."""
    with_cache = open_cache(settings)
    with_cache.flushall()
    with_cache.close()
    return open_browser(redis_url=settings.redis_url)


@pytest.fixture
def plain(open_browser):
    """A browser at a process that keeps none."""
    return open_browser(cache_mib=0)


def somebody(browser) -> dict[str, str]:
    who = {"email": address(), "password": PASSWORD}
    browser.post("/v1/auth/register", json=who)
    token = browser.post("/v1/auth/login", json=who).json["access_token"]
    return {"Authorization": f"Bearer {token}"}


def act(dice: Random, people: list[Person], browser, headers: list[dict[str, str]]) -> str:
    """Change something the way the house does; say what."""
    books = list(Book.select().where(Book.deleted_at.is_null()))
    who = dice.randrange(len(people))
    mine = [each for each in books if each.owner_id == people[who].id]
    deed = dice.choice(["make", "make", "name", "show", "hide", "drop", "draw", "nothing"])
    if deed == "make" or not mine:
        shown = dice.choice(["public", "private"])
        factories.book(
            people[who], content=dice.randbytes(8), visibility=shown, title=dice.choice("abc")
        )
        return "make"
    book = dice.choice(mine)
    path = f"/v1/books/book_{book.id.hex}"
    if deed == "draw":
        Book.update(pages_status="completed", page_count=3).where(Book.id == book.id).execute()
    elif deed == "drop":
        assert browser.request("DELETE", path, headers=headers[who]).status_code == 204
    elif deed != "nothing":
        wish = {"name": {"title": dice.choice("xyz")}, "show": {"visibility": "public"}}
        body = wish.get(deed, {"visibility": "private"})
        assert browser.request("PATCH", path, headers=headers[who], json=body).status_code == 200
    return deed


def test_whatever_happens_a_kept_list_is_what_would_be_made_anew(keeping, plain) -> None:
    print(f"seed {SEED}")
    dice = Random(SEED)
    headers = [somebody(keeping) for _ in range(2)]
    people = list(Person.select().order_by(Person.id))
    done = set()
    for _ in range(STEPS):
        done.add(act(dice, people, dice.choice([keeping, plain]), headers))
        for who in headers:
            shown = [f"/v1/users/user_{each.id.hex}/books" for each in people]
            for path in (*LISTS, *shown):
                kept, fresh = (each.get(path, headers=who) for each in (keeping, plain))
                assert (kept.status_code, kept.json) == (200, fresh.json), path
                assert kept.headers["ETag"] == fresh.headers["ETag"]

    assert done == {"make", "name", "show", "hide", "drop", "draw", "nothing"}


def test_who_may_not_look_is_shown_nothing_that_was_kept(keeping) -> None:
    me = somebody(keeping)
    key = keeping.post("/v1/api-keys", headers=me, json={"name": "laptop"}).json
    mine = {"Authorization": f"Bearer {key['key']}"}
    assert keeping.get("/v1/books", headers=mine).status_code == 200

    keeping.request("DELETE", f"/v1/api-keys/{key['id']}", headers=me)

    assert keeping.get("/v1/books", headers=mine).status_code == 401


def test_a_test_key_sees_no_list_of_the_live_mode(keeping) -> None:
    me = somebody(keeping)
    owner = Person.get()
    factories.book(owner, mode="live")
    wish = {"name": "sandbox", "mode": "test"}
    key = keeping.post("/v1/api-keys", headers=me, json=wish).json["key"]

    live = keeping.get("/v1/books", headers=me).json["pagination"]["total"]
    test = keeping.get("/v1/books", headers={"X-API-Key": key}).json["pagination"]["total"]

    assert (live, test) == (1, 0)


def test_a_second_look_asks_nobody_for_the_books(keeping, monkeypatch) -> None:
    me = somebody(keeping)
    first = keeping.get("/v1/books", headers=me)

    def away(*_: UUID) -> None:
        raise AssertionError("asked again")

    monkeypatch.setattr(Book, "visible_to", away)

    assert keeping.get("/v1/books", headers=me).text == first.text
