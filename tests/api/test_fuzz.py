"""Every route against its own description: what is sent is made of it, and so is what is asked of
the answers. `FUZZ_EXAMPLES` tries more a route than the few that fit into every run.
"""

import json
from collections.abc import Callable
from typing import Any, Final

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, given
from hypothesis import strategies as some
from hypothesis.errors import Unsatisfiable
from schemathesis import Case
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from models.kernel.settings import environment
from tests.api.conftest import Stack
from tests.reference import FOLDER

EXAMPLES: Final = int(environment().get("FUZZ_EXAMPLES", "16"))
SECONDS: Final = 30
SEED: Final = 20261120
LEAKS: Final = ("Traceback", "psycopg2", "peewee", 'File "/', "site-packages", "select ", "ilm_app")
UNTOLD: Final = [positive_data_acceptance]
"""A description cannot say all: that a moment lies ahead, that a number checks, that an LLM is."""
TOO_LONG: Final = {413, 414, 431}
"""What is said, before any schema is looked at, to a line, a header or a body past its bounds."""

SCHEMA: Final = schemathesis.openapi.from_dict(
    json.loads((FOLDER / "openapi.json").read_text(encoding="utf-8"))
)
OPERATIONS: Final = {
    f"{operation.method.upper()} {operation.path}": operation
    for operation in (result.ok() for result in SCHEMA.get_all_operations())
}


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
    return {
        "token": token,
        "book_id": book["id"],
        "job_id": job["id"],
        "number": 1,
        "name": "1.jpg",
    }


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_route_answers_as_its_description_says(
    stack: Stack, known: dict[str, Any], name: str, mode: GenerationMode
) -> None:
    try:
        _trial(stack, known, name, mode)()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, "nothing at all can be sent"


def _trial(
    stack: Stack, known: dict[str, Any], name: str, mode: GenerationMode
) -> Callable[[], None]:
    strategy = OPERATIONS[name].as_strategy(generation_mode=mode)

    @hypothesis.seed(SEED)
    @hypothesis.settings(
        max_examples=EXAMPLES, deadline=None, database=None,
        suppress_health_check=list(HealthCheck), phases=[hypothesis.Phase.generate],
    )  # fmt: skip
    @given(case=strategy, is_known=some.booleans())
    def try_out(case: Case, is_known: bool) -> None:
        if is_known and mode is GenerationMode.POSITIVE:
            case.path_parameters = {
                **(case.path_parameters or {}),
                **{key: known[key] for key in case.path_parameters or () if key in known},
            }
        _check(stack, known["token"], case)

    return try_out


def _check(stack: Stack, token: str, case: Case) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    answer = case.call(base_url=stack.web.address, headers=headers, timeout=SECONDS)
    if answer.status_code in TOO_LONG:
        return
    case.validate_response(answer, excluded_checks=UNTOLD)
    text = answer.content.decode("utf-8", "replace")
    assert not [leak for leak in LEAKS if leak in text]
    assert answer.headers["x-request-id"]
