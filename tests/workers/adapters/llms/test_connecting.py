"""Calls that hang before the vendor has them: while connecting, and while shaking hands."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress

import pytest

from jobs.llms.provider import Limits, Provider
from models.kernel.errors import UpstreamError, UpstreamTimeout
from models.llms import Vendor
from tests.providers import KEY, Stopper, never, read, request, until
from workers.adapters.llms.openai_shaped import OpenAIShaped
from workers.adapters.llms.sockets import Exchange

FAKE = Vendor(name="fake", title="Fake", wire="openai", key="openai_api_key")
BRIEF = Limits(connect=0.2)


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    with closing(Exchange()) as exchange:
        yield exchange


@pytest.fixture
def mute() -> Iterator[socket.socket]:
    """A listener that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
def full() -> Iterator[socket.socket]:
    """A listener whose queue is full: whoever connects is left waiting."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        waiting = [socket.socket() for _ in range(4)]
        for end in waiting:
            end.setblocking(False)
            with suppress(BlockingIOError):
                end.connect(listener.getsockname())
        yield listener
        for end in waiting:
            end.close()


def at(scheme: str, listener: socket.socket, exchange: Exchange) -> Provider:
    return OpenAIShaped(FAKE, f"{scheme}://127.0.0.1:{listener.getsockname()[1]}", KEY, exchange)


def test_a_connection_that_nobody_takes_is_given_up(
    full: socket.socket, exchange: Exchange
) -> None:
    with pytest.raises(UpstreamTimeout):
        read(at("http", full, exchange).stream(request(limits=BRIEF), never))


def test_a_handshake_that_nobody_answers_is_given_up(
    mute: socket.socket, exchange: Exchange
) -> None:
    with pytest.raises(UpstreamTimeout):
        read(at("https", mute, exchange).stream(request(limits=BRIEF), never))


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_call_can_be_stopped_while_the_vendor_is_mute(
    scheme: str, mute: socket.socket, exchange: Exchange
) -> None:
    stopper = Stopper()
    llm = at(scheme, mute, exchange)
    with ThreadPoolExecutor(1) as other:
        reading = other.submit(lambda: read(llm.stream(request(), stopper)))
        end, _ = mute.accept()
        with end:
            assert end.recv(1)

            stopper.stop()

            with pytest.raises(UpstreamError, match="stopped"):
                reading.result(timeout=60)
            until(lambda: not end.recv(65_536))


def test_a_call_can_be_stopped_while_it_connects(full: socket.socket, exchange: Exchange) -> None:
    stopper = Stopper()
    llm = at("http", full, exchange)
    with ThreadPoolExecutor(1) as other:
        reading = other.submit(
            lambda: read(llm.stream(request(limits=Limits(connect=60)), stopper))
        )

        stopper.stop()

        with pytest.raises(UpstreamError, match="stopped"):
            reading.result(timeout=60)
