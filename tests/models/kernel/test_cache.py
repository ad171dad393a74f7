"""Redis: bounded waits, two databases, no retries of its own."""

from dataclasses import replace
from typing import Any

import pytest
import redis

from models.kernel.cache import BROKER, CALL_SECONDS, STREAMS, open_cache, open_listener
from models.kernel.clock import SystemClock
from models.kernel.settings import Settings
from tests.processes import until
from tests.servers import free_port


def test_streams_and_broker_do_not_see_each_others_keys(settings: Settings) -> None:
    streams, messages = open_cache(settings, number=STREAMS), open_cache(settings, number=BROKER)
    streams.set("here", "1")

    assert messages.get("here") is None
    assert streams.get("here") == b"1"


def test_a_call_to_a_server_that_is_away_fails_at_once(settings: Settings) -> None:
    """It is refused, and nothing is waited for: that would be a `TimeoutError`."""
    away = open_cache(replace(settings, redis_url=f"redis://127.0.0.1:{free_port()}"))

    with pytest.raises(redis.ConnectionError):
        away.ping()


def test_a_call_that_hangs_is_given_up(settings: Settings) -> None:
    cache = open_cache(settings)
    clock = SystemClock()
    began = clock.elapsed()

    with pytest.raises(redis.TimeoutError):
        cache.blpop(["nobody fills this"], timeout=60)

    assert CALL_SECONDS - 0.1 <= clock.elapsed() - began < 60


def test_a_listener_waits_as_long_as_it_is_told(settings: Settings) -> None:
    ear = open_listener(settings).pubsub(ignore_subscribe_messages=True)
    with ear:
        ear.subscribe("a channel")
        until(lambda: open_cache(settings).publish("a channel", "hello"), "nobody listens")
        heard: list[Any] = []
        until(lambda: heard.append(ear.get_message(timeout=1)) or heard[-1], "nothing is heard")

    assert heard[-1]["data"] == b"hello"
