"""A stack, somebody at it, and the jobs they follow."""

from collections.abc import Callable

import pytest

from tests.api.conftest import Stack
from tests.api.test_streams import frames, submit
from tests.processes import Web
from tests.sockets import Event, events_of

Submit = Callable[..., str]
Read = Callable[..., list[Event]]

NARROW = "tests.api.live.narrow"


@pytest.fixture(scope="module")
def me(stack: Stack) -> str:
    """The token of somebody."""
    return stack.newcomer()


@pytest.fixture(scope="module")
def other(stack: Stack) -> Web:
    """Another web process of the same servers."""
    return stack.processes.web()


@pytest.fixture(scope="module")
def hasty(stack: Stack) -> Web:
    """A web process that waits for nobody."""
    return stack.processes.web(f"{NARROW}:hasty()")


@pytest.fixture(scope="module")
def crowded(stack: Stack) -> Web:
    """A web process that has room for few."""
    return stack.processes.web(f"{NARROW}:crowded()")


@pytest.fixture(scope="module")
def blunt(stack: Stack) -> Web:
    """A web process that soon parts with who does not read."""
    return stack.processes.web(f"{NARROW}:blunt()")


@pytest.fixture
def job(stack: Stack, me: str) -> Submit:
    """Submit a job that says something in so many pieces; return its id."""

    def submitted(**given: object) -> str:
        return submit(stack, me, **given).rpartition("/")[2]

    return submitted


@pytest.fixture
def read(stack: Stack, me: str) -> Read:
    """Read the event stream of a job, as everybody without a WebSocket does."""

    def whole(job_id: str, **headers: str) -> list[Event]:
        path = f"/v1/jobs/{job_id}/events"
        with stack.call("GET", path, me, stream=True, headers=headers) as answer:
            assert answer.status_code == 200
            return list(events_of(frames(answer)))

    return whole
