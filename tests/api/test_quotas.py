"""Quotas over HTTP: what is one too many is refused, what is there stays (L-07)."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from jobs.quotas import API_KEYS, claim
from models.accounts import ApiKey, Person
from models.books import Book
from models.files import File
from models.kernel.blobs import Blobs
from models.kernel.database import Pool
from models.quotas import Quotas
from tests import factories
from tests.api.conftest import code
from tests.api.reader import BOOK, Reader, form
from tests.processes import until

pytestmark = pytest.mark.usefixtures("database")

WAITERS = "select 1 from pg_locks where locktype = 'advisory' and not granted"
FREE = Quotas.of_tier("free")


def quotas(reader: Reader) -> dict[str, tuple[int, int]]:
    """Return what somebody keeps of each resource, and how much they may."""
    body = reader.get("/v1/users/me/quotas").json
    return {each["resource"]: (each["used"], each["limit"]) for each in body["quotas"]}


def send_file(reader: Reader) -> Any:
    return reader.post("/v1/files", **form(b"words", "notes.txt", purpose="user_data"))


def fill_keys(reader: Reader, count: int) -> None:
    for _ in range(count):
        factories.api_key(reader.person)


def test_what_somebody_keeps_is_told_by_tier(ada: Reader, bob: Reader) -> None:
    ada.upload()
    send_file(ada)
    factories.book(ada.person, deleted_at=factories.LATER, file_size=999)
    factories.api_key(ada.person, revoked_at=factories.LATER)

    assert quotas(ada) == {
        "books": (1, FREE.books),
        "storage_bytes": (len(BOOK) + len(b"words"), FREE.storage_bytes),
        "api_keys": (1, FREE.api_keys),
    }
    assert quotas(bob)["books"] == (0, FREE.books)
    Person.update(tier="premium").where(Person.id == bob.person.id).execute()
    assert quotas(bob)["books"] == (0, Quotas.of_tier("premium").books)


def test_one_key_too_many_is_refused_until_one_is_revoked(ada: Reader) -> None:
    fill_keys(ada, FREE.api_keys - 2)
    last = ada.post("/v1/api-keys", json={"name": "the last one"})
    assert last.status_code == 201

    refused = ada.post("/v1/api-keys", json={"name": "one more"})
    assert code(refused) == (409, "CONFLICT")
    assert f"{FREE.api_keys} API keys" in refused.json["error"]["message"]
    assert ada.post(f"/v1/api-keys/{last.json['id']}/rotate", json={}).status_code == 201

    Person.update(tier="premium").where(Person.id == ada.person.id).execute()
    assert ada.post("/v1/api-keys", json={"name": "one more"}).status_code == 201


def test_two_at_once_take_no_more_than_is_left(ada: Reader, database: Pool) -> None:
    fill_keys(ada, FREE.api_keys - 2)

    with ThreadPoolExecutor(1) as pool, database.unit():
        claim(ada.person.id, {API_KEYS: 1})
        factories.api_key(ada.person)
        second = pool.submit(ada.post, "/v1/api-keys", json={"name": "one more"})
        until(lambda: second.done() or database.rows(WAITERS), "nobody waits")

    assert code(second.result()) == (409, "CONFLICT")
    assert ApiKey.select().where(ApiKey.user == ada.person.id).count() == FREE.api_keys


def test_a_book_or_a_file_that_would_not_fit_is_refused_and_not_kept(
    ada: Reader, blobs: Blobs
) -> None:
    factories.book(ada.person, b"large", file_size=FREE.storage_bytes - len(BOOK) - 4)
    before = _files(blobs)

    assert ada.upload().status_code == 201
    kept = _files(blobs)
    assert len(kept) == len(before) + 1
    for answer in (send_file(ada), ada.upload(b"another text of a book", "b.txt")):
        assert (code(answer)[0], code(answer)[1].upper()) == (413, "PAYLOAD_TOO_LARGE")
        assert "bytes you may store" in answer.json["error"]["message"]

    assert _files(blobs) == kept
    assert (Book.select().count(), File.select().count()) == (2, 0)


def _files(blobs: Blobs) -> list[str]:
    home = blobs.local_path("")
    assert home is not None
    return sorted(str(path) for path in home.rglob("*") if path.is_file())
