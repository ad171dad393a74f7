"""Every route against its own description: what is sent is made of it, and so is what is asked of
the answers. `FUZZ_EXAMPLES` tries more a route than the few that fit into every run.
"""

import json
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, Final

import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given
from hypothesis import strategies as some
from hypothesis.errors import Unsatisfiable
from requests.adapters import HTTPAdapter
from schemathesis import Case
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from models.kernel.database import Pool
from models.kernel.settings import environment
from tests.api.conftest import Stack
from tests.reference import FOLDER

EXAMPLES: Final = int(environment().get("FUZZ_EXAMPLES", "16"))
SECONDS: Final = 60
SEED: Final = 20261120
LEAKS: Final = ("Traceback", "psycopg2", "peewee", 'File "/', "site-packages", "select ", "ilm_app")
UNTOLD: Final = [positive_data_acceptance]
"""A description cannot say all: that a moment lies ahead, that a number checks, that an LLM is."""
TOO_LONG: Final = {413, 414, 431}
"""What is said, before any schema is looked at, to a line, a header or a body past its bounds."""

NO_VENDOR: Final = "its vendor is not configured here"
"""What is said of an LLM that only a vendor can answer for: here there is none."""

ROLES: Final = ("viewer", "user", "moderator", "admin", "super_admin")
"""Half of the examples are asked by one of these, the other half by whom the route is for."""

_RAISE: Final = """
update person set role = %s where created_at = (select max(created_at) from person)
"""

SCHEMA: Final = schemathesis.openapi.from_dict(
    json.loads((FOLDER / "openapi.json").read_text(encoding="utf-8"))
)
OPERATIONS: Final = {
    f"{operation.method.upper()} {operation.path}": operation
    for operation in (result.ok() for result in SCHEMA.get_all_operations())
}

_numbers = count()


@pytest.fixture(scope="module")
def known(stack: Stack) -> dict[str, Any]:
    """Somebody with a book, a job that is over and a key: what random ids never hit."""
    token = stack.newcomer()
    book = stack.call(
        "POST", "/v1/books", token, files={"file": ("a.txt", b"some text")}, data={"title": "A"}
    ).json()
    job = stack.call(
        "POST", "/v1/jobs", token, json={"type": "system.echo", "input": {"text": "a"}}
    ).json()
    stack.call("POST", f"/v1/jobs/{job['id']}/cancel", token)
    wish = {"url": "https://93.184.215.14/hook", "events": ["book.*"]}
    webhook = stack.call("POST", "/v1/webhooks", token, json=wish).json()
    pinged = stack.call("POST", f"/v1/webhooks/{webhook['id']}/ping", token).json()
    return {
        "token": token,
        "book_id": book["id"],
        "job_id": job["id"],
        "wh_id": webhook["id"],
        "delivery_id": pinged["deliveryId"],
        "number": 1,
        "name": "1.jpg",
    }


@pytest.fixture(scope="module")
def everybody() -> dict[str, str]:
    """The access tokens of somebody of each role."""
    return {}


@pytest.fixture
def tokens(
    stack: Stack, everybody: dict[str, str], known: dict[str, Any], pools: tuple[Pool, Pool]
) -> dict[str, str]:
    """Somebody of each role; who was changed by the route before is somebody new."""
    everybody.setdefault("user", known["token"])
    for role in ROLES:
        token = everybody.get(role, "")
        told = stack.call("GET", "/v1/users/me", token)
        if not told.ok or told.json()["role"] != role:
            everybody[role] = stack.newcomer()
            pools[0].rows(_RAISE, (role,))
    return everybody


class _From(HTTPAdapter):
    """Connections from an address of loopback."""

    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__()

    def init_poolmanager(self, *sizes: Any, **options: Any) -> None:
        super().init_poolmanager(*sizes, source_address=(self._address, 0), **options)


@pytest.fixture
def stranger() -> Iterator[requests.Session]:
    """Callers from where nobody guessed wrong yet: thirty a minute, and all there are refused."""
    number = next(_numbers)
    with requests.Session() as session:
        session.mount("http://", _From(f"127.1.{number // 250}.{number % 250 + 1}"))
        yield session


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_route_answers_as_its_description_says(
    stack: Stack,
    known: dict[str, Any],
    tokens: dict[str, str],
    stranger: requests.Session,
    name: str,
    mode: GenerationMode,
) -> None:
    def ask(role: str, case: Case) -> None:
        _check(stack, stranger, tokens[role], case)

    try:
        _trial(ask, known, name, mode)()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, "nothing at all can be sent"


def _trial(
    ask: Callable[[str, Case], None], known: dict[str, Any], name: str, mode: GenerationMode
) -> Callable[[], None]:
    usual = "super_admin" if "/v1/admin/" in name else "user"
    strategy = OPERATIONS[name].as_strategy(generation_mode=mode)

    @hypothesis.seed(SEED)
    @hypothesis.settings(
        max_examples=EXAMPLES, deadline=None, database=None,
        suppress_health_check=list(HealthCheck), phases=[hypothesis.Phase.generate],
    )  # fmt: skip
    @given(case=strategy, is_known=some.booleans(), role=some.sampled_from(ROLES))
    def try_out(case: Case, is_known: bool, role: str) -> None:
        if is_known and mode is GenerationMode.POSITIVE:
            case.headers.pop("X-Organization", None)  # one nobody is in ends all there is to try
            case.path_parameters = {
                **(case.path_parameters or {}),
                **{key: known[key] for key in case.path_parameters or () if key in known},
            }
        ask(usual if is_known else role, case)

    return try_out


def _check(stack: Stack, stranger: requests.Session, token: str, case: Case) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    answer = case.call(stack.web.address, stranger, headers, timeout=SECONDS)
    if answer.status_code in TOO_LONG or (answer.status_code == 503 and NO_VENDOR in answer.text):
        return
    case.validate_response(answer, excluded_checks=UNTOLD)
    text = answer.content.decode("utf-8", "replace")
    assert not [leak for leak in LEAKS if leak in text]
    assert answer.headers["x-request-id"]
