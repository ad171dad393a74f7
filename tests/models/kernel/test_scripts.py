"""Scripts on a thread's own connection: they outlive what the server forgets or cuts."""

import pytest
import redis

from models.kernel.cache import Script, open_cache
from models.kernel.settings import Settings
from tests.servers import free_port

ADD = "return redis.call('INCRBY', KEYS[1], ARGV[1])"


def test_a_script_runs_on_its_key_with_its_arguments(settings: Settings) -> None:
    cache = open_cache(settings)
    cache.delete("sum")
    add = Script(cache, ADD)

    assert [add("sum", [2]), add("sum", ["3"])] == [2, 5]


def test_a_server_that_forgot_the_script_is_told_it_again(settings: Settings) -> None:
    cache = open_cache(settings)
    cache.delete("sum")
    add = Script(cache, ADD)
    add("sum", [1])

    cache.script_flush()

    assert add("sum", [1]) == 2


def test_a_connection_the_server_has_cut_is_made_anew(settings: Settings) -> None:
    cache = open_cache(settings)
    cache.delete("sum")
    add = Script(cache, ADD)
    add("sum", [1])

    cache.client_kill_filter(_type="normal", skipme=True)

    assert add("sum", [1]) == 2


def test_a_mistake_in_a_script_is_an_error_and_leaves_the_connection_good(
    settings: Settings,
) -> None:
    cache = open_cache(settings)
    cache.set("sum", "words")
    add = Script(cache, ADD)

    with pytest.raises(redis.ResponseError):
        add("sum", [1])

    cache.set("sum", "1")
    assert add("sum", [1]) == 2


def test_a_server_that_is_away_is_an_error(settings: Settings) -> None:
    away = Settings(home=settings.home, redis_url=f"redis://127.0.0.1:{free_port()}")

    with pytest.raises(redis.ConnectionError):
        Script(open_cache(away), ADD)("sum", [1])
