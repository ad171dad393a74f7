"""What pages are made with: a store on this disk, a room to work in, a book in the store."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.accounts import Person
from models.books import Book
from models.kernel.blobs import Blobs, open_blobs
from models.kernel.database import Pool
from models.kernel.settings import Settings
from tests import factories

MakeBook = Callable[..., Book]


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return open_blobs(Settings(home=tmp_path))


@pytest.fixture
def room(tmp_path: Path) -> Path:
    folder = tmp_path / "workroom"
    folder.mkdir()
    return folder


@pytest.fixture
def person(database: Pool) -> Person:
    return factories.person()


@pytest.fixture
def make_book(person: Person, blobs: Blobs) -> MakeBook:
    """Put a document in the store and make its book."""

    def make(content: bytes = b"%PDF-1.7", **given: Any) -> Book:
        book = factories.book(person, content, **given)
        blobs.put(factories.stored_file(content).key, content)
        return book

    return make


@pytest.fixture
def book(make_book: MakeBook) -> Book:
    return make_book()
