"""The front without servers behind it: what is tested here reaches no row unless it says so."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import requests
from falcon.testing import Result
from marshmallow import fields

from api.app import assemble, parts_of
from api.endpoints import PUBLIC, Endpoint
from api.live.health import Health
from api.parts import Parts
from api.schemas.wire import Line, Whole, Wire
from models.kernel.blobs import Blobs, open_blobs
from models.kernel.database import Pool, database
from models.kernel.settings import Settings
from tests.api.browser import Browser
from tests.api.reader import Reader
from tests.conftest import cleared
from tests.processes import Processes, Web

Open = Callable[..., Browser]

NOWHERE = {
    "database_url": "postgresql://x@127.0.0.1:1/x",
    "redis_url": "redis://127.0.0.1:1",
    "rate_limits": "off",
}
PASSWORD = "correct horse battery"

_numbers = count()


class Note(Wire):
    """A body to test with."""

    title = Line(most=20, required=True)
    page_count = Whole(load_default=0)
    parts = fields.List(fields.Nested(lambda: Note(only=("title",))), load_default=list)


def parts_for(home: Path, *, settings: dict[str, Any], **other: Any) -> Parts:
    """Connect the parts as a process does, to servers that are not there.

    The tables stay bound to the database of the test, if it has one.
    """
    bound = database.obj
    made = parts_of(Settings(home=home, **{**NOWHERE, **settings}))
    if bound is not None:
        database.initialize(bound)
    return replace(made, **{"health": Health({}, "1.2.3", made.clock), **other})


def endpoint(**options: Any) -> Endpoint:
    common = {"method": "GET", "path": "/test", "permission": PUBLIC, "summary": "", "tag": "Test"}
    return Endpoint(**{**common, **options})


@pytest.fixture
def open_browser(tmp_path: Path) -> Iterator[Open]:
    """Open a browser on an app of these endpoints beside the usual ones, and settings."""
    opened: list[Browser] = []

    def open_(*extra: Endpoint, parts: dict[str, Any] | None = None, **settings: Any) -> Browser:
        made = parts_for(tmp_path, settings=settings, **(parts or {}))
        opened.append(Browser(assemble(made, extra)))
        return opened[-1]

    yield open_
    for browser in opened:
        browser.close()


@pytest.fixture
def browser(open_browser: Open) -> Browser:
    """A browser on the app as it is, without a database."""
    return open_browser()


def address() -> str:
    return f"reader{next(_numbers)}@example.org"


@pytest.fixture
def email() -> str:
    """Return an address nobody has."""
    return address()


@pytest.fixture
def token(browser: Browser, email: str) -> str:
    """Register somebody and log them in."""
    browser.post("/v1/auth/register", json={"email": email, "password": PASSWORD, "name": "Ada"})
    answer = browser.post("/v1/auth/login", json={"email": email, "password": PASSWORD})
    return str(answer.json["access_token"])


@pytest.fixture
def me(token: str) -> dict[str, str]:
    """Return the headers of somebody who is logged in."""
    return {"Authorization": f"Bearer {token}"}


def make_key(browser: Browser, me: dict[str, str], **wish: Any) -> Result:
    return browser.post("/v1/api-keys", headers=me, json={"name": "laptop", **wish})


def code(answer: Result) -> tuple[int, str]:
    return answer.status_code, answer.json["error"]["code"]


def unsigned(body: Any) -> Any:
    """Return a body without the signatures of its addresses, which change every five minutes."""
    return json.loads(re.sub(r"\?expires=\d+&signature=\w+", "", json.dumps(body)))


@pytest.fixture
def ada(database: Pool, browser: Browser) -> Reader:
    """Somebody who uploads."""
    return Reader(browser)


@pytest.fixture
def bob(database: Pool, browser: Browser) -> Reader:
    """Somebody else, with an account of their own."""
    return Reader(browser)


@pytest.fixture
def kept(database: Pool, tmp_path: Path) -> Callable[[], tuple[object, ...]]:
    """Tell what is kept: rows of everything an upload writes, and files."""

    def tell() -> tuple[object, ...]:
        tables = ("book", "stored_file", "job", "event", "idempotency_key", "lane")
        rows = [database.rows(f"select count(*) from {table}")[0][0] for table in tables]
        files = sorted(str(path) for path in tmp_path.rglob("*") if path.is_file())
        return *rows, *(file for file in files if not file.endswith("/secret"))

    return tell


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    """The store behind the browsers."""
    return open_blobs(Settings(home=tmp_path))


@dataclass(frozen=True)
class Stack:
    """Real processes on real servers: one web process, its workers, and what they log."""

    web: Web
    processes: Processes
    home: Path

    def call(self, method: str, path: str, token: str, **parts: Any) -> requests.Response:
        return self.web.call(method, path, token, **parts)

    def newcomer(self) -> str:
        """Register somebody; return their access token."""
        return self.web.newcomer(address())


@pytest.fixture(scope="module")
def stack(
    settings: Settings, pools: tuple[Pool, Pool], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """Share one stack among the tests of a file; each of them is somebody new."""
    cleared(settings, pools)
    home = tmp_path_factory.mktemp("stack")
    with Processes(settings, home, ILM_HOME=str(home), ILM_LLM_THREADS="4") as processes:
        for kind in ("default", "pages", "llm"):
            processes.worker(kind)
        yield Stack(processes.web(), processes, home)
