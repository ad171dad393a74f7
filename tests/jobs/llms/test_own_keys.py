"""Callers' own keys: sealed on the way, read once, gone within a minute (X-4)."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import redis

from jobs.llms.own_keys import KEPT_SECONDS, EntrustedKeys, OwnKey, OwnKeys
from models.kernel.cache import open_cache
from models.kernel.database import Pool
from models.kernel.errors import Invalid, ModelNotAvailable, ProviderKeyGone, Unavailable
from models.kernel.keybox import KeyBox
from models.kernel.settings import Settings
from tests.fakes.run import FakeRun

SECRET = "sk-a-key-of-somebody"
OWN = OwnKey(secret=SECRET)
BOX = KeyBox(bytes(range(32)))
NOWHERE = Settings(redis_url="redis://127.0.0.1:1")


def waiting(cache: redis.Redis) -> list[bytes]:
    """Return the names of the entries that wait for a worker."""
    return list(cache.scan_iter("entrusted:*"))


@pytest.fixture
def cache(settings: Settings) -> Iterator[redis.Redis]:
    made = open_cache(settings)
    for name in waiting(made):
        made.delete(name)
    yield made
    made.close()


@pytest.fixture
def keys(cache: redis.Redis) -> OwnKeys:
    return OwnKeys(cache, BOX.slot, Settings())


@pytest.fixture
def worker(cache: redis.Redis) -> EntrustedKeys:
    return EntrustedKeys(cache, BOX)


@pytest.fixture
def run(database: Pool) -> FakeRun:
    return FakeRun()


def test_a_key_is_read_by_the_worker_once(
    keys: OwnKeys, worker: EntrustedKeys, run: FakeRun, cache: redis.Redis
) -> None:
    name = keys.entrust(OWN, run.account_id)

    assert worker.key_for(name, run) == SECRET
    assert waiting(cache) == []
    with pytest.raises(ProviderKeyGone, match="60 seconds"):
        worker.key_for(name, run)


def test_what_waits_for_the_worker_is_sealed_and_gone_within_a_minute(
    keys: OwnKeys, run: FakeRun, cache: redis.Redis
) -> None:
    name = keys.entrust(OWN, run.account_id)
    (entry,) = waiting(cache)
    kept: Any = cache.get(entry)

    assert SECRET.encode() not in kept
    assert name.encode() in entry
    assert 0 < int(str(cache.ttl(entry))) <= KEPT_SECONDS


def test_a_call_without_a_key_of_its_own_reads_none(worker: EntrustedKeys, run: FakeRun) -> None:
    run.row.attempt = 2

    assert worker.key_for(None, run) is None


def test_a_second_attempt_never_has_the_key(
    keys: OwnKeys, worker: EntrustedKeys, run: FakeRun
) -> None:
    name = keys.entrust(OWN, run.account_id)
    run.row.attempt = 2

    with pytest.raises(ProviderKeyGone, match="lost"):
        worker.key_for(name, run)


def test_an_entry_under_another_name_or_of_another_account_does_not_open(
    keys: OwnKeys, worker: EntrustedKeys, run: FakeRun, cache: redis.Redis
) -> None:
    mine, other = (keys.entrust(OWN, run.account_id) for _ in range(2))
    foreign = keys.entrust(OWN, UUID(int=1))
    cache.rename(f"entrusted:{other}", f"entrusted:{mine}")

    for name in (mine, foreign):
        with pytest.raises(ProviderKeyGone, match="another worker"):
            worker.key_for(name, run)


def test_without_redis_nothing_is_handed_over_and_nothing_is_found(
    settings: Settings, run: FakeRun
) -> None:
    away = open_cache(NOWHERE)

    with pytest.raises(Unavailable, match="nothing was done") as raised:
        OwnKeys(away, BOX.slot, Settings()).entrust(OWN, run.account_id)
    assert SECRET not in f"{raised.value!r} {raised.value.__cause__!r}"
    with pytest.raises(ProviderKeyGone):
        EntrustedKeys(away, BOX).key_for("a name", run)


@pytest.mark.parametrize(
    ("secret", "vendor"),
    [
        ("", None),
        ("sk-abc", None),
        ("sk-" + "x" * 600, None),
        ("sk-with a space", None),
        ("Bearer sk-abcdefgh", None),
        ("sk-with\ttab-in-it", None),
        ("sk-with\x7fdelete", None),
        ("sk-naïve-ключ", None),
        (SECRET, "nobody"),
    ],
    ids=["empty", "short", "long", "space", "scheme", "tab", "delete", "letters", "vendor"],
)
def test_what_no_key_looks_like_is_refused_and_not_repeated(
    secret: str, vendor: str | None
) -> None:
    with pytest.raises(Invalid) as raised:
        OwnKey(secret=secret, vendor=vendor)

    assert raised.value.details[0].field.startswith("X-Ilm-Provider")
    assert not secret or secret not in f"{raised.value!r}{raised.value.details}"


@pytest.mark.parametrize(
    ("model", "vendor", "field"),
    [
        ("auto", None, "model"),
        ("gpt-4o", "anthropic", "X-Ilm-Provider"),
        ("ilm-extractive", None, "X-Ilm-Provider-Key"),
    ],
    ids=["nobody named", "another vendor's", "takes none"],
)
def test_a_key_is_refused_for_what_it_is_not_for(
    keys: OwnKeys, model: str, vendor: str | None, field: str
) -> None:
    with pytest.raises(Invalid) as raised:
        keys.check(OwnKey(secret=SECRET, vendor=vendor), model)

    assert [detail.field for detail in raised.value.details] == [field]


def test_a_key_for_a_vendor_whose_place_nobody_knows_is_refused(keys: OwnKeys) -> None:
    with pytest.raises(ModelNotAvailable, match="address"):
        keys.check(OWN, "llama-3.3-70b-versatile")


@pytest.mark.parametrize(
    "model",
    ["gpt-4o", "gpt-4o-mini", "o1", "o1-mini", "gpt-4-turbo", "gpt-4", "gpt-3.5-turbo"],
)
def test_every_llm_of_the_proxy_mode_takes_a_key(keys: OwnKeys, model: str) -> None:
    keys.check(OwnKey(secret=SECRET, vendor="openai"), model)


def test_a_key_is_in_no_repr() -> None:
    assert SECRET not in repr(OWN)
