"""What tests of wires are given."""

from collections.abc import Iterator

import anthropic
import openai
import pytest

from tests.jobs.wires.loopback import Loopback, anthropic_client, loopback, openai_client


@pytest.fixture(scope="module")
def server() -> Iterator[Loopback]:
    with loopback() as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Loopback) -> Iterator[openai.OpenAI]:
    """OpenAI's own client, unmodified."""
    with openai_client(server) as made:
        yield made


@pytest.fixture(scope="module")
def claude(server: Loopback) -> Iterator[anthropic.Anthropic]:
    """Anthropic's own client, unmodified."""
    with anthropic_client(server) as made:
        yield made
