"""A caller's own key is found nowhere: not in a row, letter, stream, log or file (Y-01, X-4).

A canary goes through every wire, well and badly; then all that is kept anywhere is searched for it,
in every spelling a program might give it. That the search finds what is there is tested too.
"""

import html
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import redis
import requests

from models.kernel.cache import BROKER, STREAMS, open_cache
from models.kernel.database import Pool
from models.kernel.ids import new_id
from models.kernel.settings import Settings
from tests.conftest import emptied
from tests.fakes.vendor.scripts import Fault, Script
from tests.gateway import SOON_LOST, Gateway, gateway
from tests.processes import until
from tests.servers import Servers
from tests.wires import WIRES, WireCase

CANARY = "walrus/4c1f+d0a2?key&of=somebody"
OWN = {"X-Ilm-Provider-Key": CANARY}
LLM = "gpt-4o-mini"
ECHO = f"Incorrect API key provided: {CANARY}. You can find yours at the vendor's."
REFUSAL = json.dumps({"error": {"message": ECHO, "code": "invalid_api_key"}}).encode()
BROKEN_STREAM = b"data: " + json.dumps({"error": {"message": ECHO, "code": 401}}).encode() + b"\n\n"
TABLES = "select quote_ident(tablename) from pg_tables where schemaname = 'public'"


def spellings(secret: str) -> dict[str, bytes]:
    """Return a text in every spelling in which it might be kept; base64 at each of its places."""
    raw = secret.encode()
    found = {
        "plain": raw,
        "hex": raw.hex().encode(),
        "url": quote(secret, safe="").encode(),
        "html": html.escape(secret).encode(),
        "escaped slashes": secret.replace("/", "\\/").encode(),
        "escaped twice": secret.replace("&", "\\u0026").encode(),
        "utf-16": secret.encode("utf-16-le"),
    }
    for name, encode in (("base64", b64encode), ("base64url", urlsafe_b64encode)):
        for shift in range(3):
            whole = encode(bytes(shift) + raw + bytes(3))
            found[f"{name} {shift}"] = whole[4 : 4 * ((shift + len(raw)) // 3) - 4]
    return found


def spelt_in(kept: bytes) -> list[str]:
    return [name for name, spelling in spellings(CANARY).items() if spelling in kept]


def rows(owner: Pool) -> Iterator[tuple[str, bytes]]:
    for (table,) in owner.rows(TABLES):
        for (row,) in owner.rows(f"select t::text from {table} t"):
            yield f"table {table}", row.replace("\\\\", "\\").encode()


def entries(settings: Settings) -> Iterator[tuple[str, bytes]]:
    """Yield every key of both databases of Redis, with what is under it."""
    for number in (STREAMS, BROKER):
        cache: Any = open_cache(settings, number=number)
        for key in cache.scan_iter("*"):
            yield f"redis {number}", key + b" " + repr(_value(cache, key)).encode()
            yield f"redis {number}", b" ".join(_texts(_value(cache, key)))
        cache.close()


def _value(cache: Any, key: bytes) -> Any:
    read: dict[bytes, Callable[[], Any]] = {
        b"string": lambda: cache.get(key),
        b"hash": lambda: cache.hgetall(key),
        b"list": lambda: cache.lrange(key, 0, -1),
        b"set": lambda: cache.smembers(key),
        b"zset": lambda: cache.zrange(key, 0, -1),
        b"stream": lambda: cache.xrange(key),
        b"none": lambda: b"",
    }
    return read[cache.type(key)]()


def _texts(value: Any) -> Iterator[bytes]:
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, dict):
        for pair in value.items():
            yield from _texts(pair)
    elif isinstance(value, list | tuple | set):
        for part in value:
            yield from _texts(part)


def files(*folders: Path) -> Iterator[tuple[str, bytes]]:
    """Yield every file there is, those of PostgreSQL and its log of writes among them."""
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                try:
                    yield f"file {path.name}", path.read_bytes()
                except FileNotFoundError:
                    continue


def traces(owner: Pool, settings: Settings, *folders: Path) -> set[tuple[str, str]]:
    """Return where the canary is found, and how it is spelt there."""
    everything = (*rows(owner), *entries(settings), *files(*folders))
    return {(place, name) for place, kept in everything for name in spelt_in(kept)}


@pytest.fixture(params=["valkey", "rabbit"])
def broker(request: pytest.FixtureRequest, settings: Settings) -> tuple[Settings, tuple[Path, ...]]:
    """The servers with one broker or the other, and the folders where they keep things."""
    if request.param == "valkey":
        return settings, (settings.home,)
    node = request.getfixturevalue("rabbit")
    folder = request.getfixturevalue("tmp_path_factory").getbasetemp()
    return replace(settings, broker_url=node.url), (settings.home, *folder.glob("rabbit*"))


def ask(ilm: Gateway, wire: WireCase, **more: Any) -> requests.Response:
    return ilm.post(wire.path, {**wire.body, **more}, headers=OWN)


def everything_happens(ilm: Gateway) -> list[requests.Response]:
    """Send the canary through every wire: it is taken, refused and echoed, and breaks."""
    answers = []
    for wire in WIRES.values():
        for streamed in (False, True):
            ilm.vendor.script(LLM, text="In the sea.")
            answers.append(ask(ilm, wire, stream=streamed))
            assert answers[-1].status_code == 200
            for status, body, kind in (
                (401, REFUSAL, "application/json"),
                (400, REFUSAL.replace(b"invalid_api_key", b"odd"), "application/json"),
                (200, BROKEN_STREAM, "text/event-stream"),
            ):
                ilm.vendor.script(LLM, status=status, body=body, content_type=kind)
                answers.append(ask(ilm, wire, stream=streamed))
            ilm.vendor.script(LLM, Script().with_fault(Fault.RESET_MIDWAY))
            answers.append(ask(ilm, wire, stream=streamed))
    answers.append(ask(ilm, WIRES["chat"], model="auto"))
    answers.append(ilm.post("/v1/chat/completions", {"model": 1}, headers=OWN))
    return answers


def a_worker_is_lost(ilm: Gateway) -> requests.Response:
    """Kill the worker in the middle of a call; return what became of it."""
    ilm.vendor.reset()
    ilm.vendor.script(LLM, text="In the sea, and so on.", pace=0.5, deltas=200)
    path = WIRES["responses"].path
    answer = ask(ilm, WIRES["responses"], background=True)
    until(lambda: ilm.vendor.meter(LLM).calls, "the vendor is not asked")
    ilm.kill_worker()
    name = f"{path}/{answer.json()['id']}"
    until(lambda: ilm.get(name).json()["status"] == "failed", "the call goes on")
    return ilm.get(name)


def entrusted(settings: Settings) -> set[bytes]:
    """Return the entries of keys that wait for a worker."""
    cache: Any = open_cache(settings)
    names = set(cache.scan_iter("entrusted:*"))
    cache.close()
    return names


def waiting_for_a_worker(ilm: Gateway) -> requests.Response:
    """Send a call that nobody takes up: its letter lies in the broker, its key in Redis."""
    ilm.end_worker()
    return ask(ilm, WIRES["responses"], background=True)


def test_a_callers_own_key_is_found_nowhere(
    broker: tuple[Settings, tuple[Path, ...]], pools: tuple[Pool, Pool], tmp_path: Path
) -> None:
    settings, folders = broker
    emptied(pools)
    before = entrusted(settings)
    variables = {"ILM_LOG_LEVEL": "debug", "ILM_LLM_IDLE_SECONDS": "5", **SOON_LOST}
    with gateway(settings, tmp_path, **variables) as ilm:
        ilm.processes.scheduler()
        ilm.newcomer("owner@example.org", nano=0)

        answers = everything_happens(ilm)
        lost = a_worker_is_lost(ilm)
        served = [call.headers["authorization"] for call in ilm.vendor.meter(LLM).calls]
        answers += [lost, waiting_for_a_worker(ilm)]
        waiting = entrusted(settings) - before
        found_meanwhile = traces(pools[1], settings, *folders, tmp_path)
    found_after = traces(pools[1], settings, *folders, tmp_path)

    assert served == [f"Bearer {CANARY}"]
    assert "send the call again" in lost.text
    assert len(waiting) == 1
    assert found_meanwhile == found_after == set()
    assert [spelt_in(answer.content) for answer in answers] == [[]] * len(answers)
    assert "job.ended" in "".join(path.read_text() for path in tmp_path.glob("*.log"))


@pytest.mark.parametrize("name", spellings(CANARY))
def test_the_search_finds_a_key_that_was_kept(
    name: str, settings: Settings, pools: tuple[Pool, Pool], tmp_path: Path
) -> None:
    """The control: the same search, where the canary was put on purpose."""
    emptied(pools)
    planted = b"<" + spellings(CANARY)[name] + b">"
    shown = planted.decode("latin-1").replace("\x00", "")
    cache: Any = open_cache(settings)
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "process.log").write_bytes(b"before " + planted + b" after")
    pools[1].rows(
        "insert into event (id, account_id, mode, type, data) values (%s, %s, 'live', 'x', '{}')",
        (new_id(), new_id()),
    )
    pools[1].rows("update event set type = %s", (shown,))
    plants: dict[str, Callable[[str], Any]] = {
        "string": lambda key: cache.set(key, planted),
        "hash": lambda key: cache.hset(key, "field", planted),
        "list": lambda key: cache.rpush(key, planted),
        "set": lambda key: cache.sadd(key, planted),
        "zset": lambda key: cache.zadd(key, {planted: 1}),
        "stream": lambda key: cache.xadd(key, {"e": planted}),
    }
    try:
        for kind, plant in plants.items():
            plant(f"control:{kind}")
            assert ("redis 0", name) in traces(pools[1], settings)
            cache.delete(f"control:{kind}")
        found = traces(pools[1], settings, tmp_path)
    finally:
        cache.close()

    assert ("file process.log", name) in found
    assert ("table event", name) in found or name == "utf-16"


def test_the_embedded_valkey_keeps_nothing_on_disk(tmp_path: Path) -> None:
    with Servers(tmp_path) as servers:
        cache: Any = redis.Redis.from_url(servers.redis_url)
        for name in range(1_000):
            cache.set(f"entry:{name}", CANARY)
        settings = {**cache.config_get("save"), **cache.config_get("appendonly")}
        cache.close()
        meanwhile = {place for place, kept in files(tmp_path) if spelt_in(kept)}
    after = {place for place, kept in files(tmp_path) if spelt_in(kept)}

    assert settings == {"save": "", "appendonly": "no"}
    assert meanwhile == after == set()
    assert not [path for path in tmp_path.rglob("*") if path.suffix in {".rdb", ".aof"}]
