"""Official clients, unmodified, before the whole gateway."""

from collections.abc import Iterator
from itertools import count

import pytest

from models.kernel.database import Pool
from models.kernel.settings import Settings
from tests.conftest import emptied
from tests.gateway import Gateway, gateway

_numbers = count()


@pytest.fixture(scope="module")
def running(
    settings: Settings, pools: tuple[Pool, Pool], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """One gateway for the tests of a file."""
    emptied(pools)
    with gateway(settings, tmp_path_factory.mktemp("gateway")) as made:
        yield made


@pytest.fixture
def ilm(running: Gateway) -> Gateway:
    """The gateway, calm, and somebody new with money at it."""
    running.calm()
    running.newcomer(f"client{next(_numbers)}@example.org")
    return running
