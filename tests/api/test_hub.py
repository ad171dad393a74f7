"""The hub: one line to Redis, on which many speak and one listens."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import UUID

import redis.asyncio

from api.live.hub import Hub, Watcher
from jobs.streams import stream_key
from models.kernel.cache import open_async_listener
from models.kernel.ids import new_id
from models.kernel.settings import Settings

SECONDS = 60.0
MANY = 20
ROUNDS = 10


async def nobody_is_over(_: Collection[UUID]) -> Collection[UUID]:
    return ()


@asynccontextmanager
async def opened(
    settings: Settings, **options: float
) -> AsyncIterator[tuple[Hub, redis.asyncio.Redis]]:
    """A hub, and the client it listens with."""
    cache = open_async_listener(settings)
    cache.connection_pool.connection_kwargs.update(options)
    hub = Hub(cache, nobody_is_over)
    try:
        yield hub, cache
    finally:
        for task in hub._tasks:
            task.cancel()
        await asyncio.gather(*hub._tasks, return_exceptions=True)
        await cache.aclose()


async def say(cache: redis.asyncio.Redis, job_id: UUID, seq: int) -> None:
    """Speak as a producer does: into the stream, then aloud."""
    event = f'{{"seq":{seq},"type":"delta"}}'
    await cache.xadd(stream_key(job_id), {"e": event}, id=f"{seq}-0")
    await cache.publish(stream_key(job_id), event)


async def hear(hub: Hub, watcher: Watcher, seq: int) -> None:
    """Listen as a client does: by the bell, and in the stream when something was missed."""
    while True:
        known = list(watcher.events)
        if watcher.is_behind:
            watcher.is_behind = False
            known += await hub.replay(watcher.job_id, 0)
        if seq in [number for number, _ in known]:
            return
        assert await watcher.wait(SECONDS), f"event {seq} was not heard"


async def silence(cache: redis.asyncio.Redis, job_id: UUID) -> None:
    while True:
        ((_, listeners),) = await cache.pubsub_numsub(stream_key(job_id))
        if not listeners:
            return


def test_many_who_come_at_once_after_a_silence_all_hear(settings: Settings) -> None:
    """The line is checked when it was still for long, and only who listens may do that."""

    async def scene() -> None:
        async with opened(settings, health_check_interval=0.001) as (hub, cache):
            for _ in range(ROUNDS):
                jobs = [new_id() for _ in range(MANY)]
                async with AsyncExitStack() as held:
                    watchers = await asyncio.gather(
                        *(held.enter_async_context(hub.watch(job_id)) for job_id in jobs)
                    )
                    for job_id in jobs:
                        await say(cache, job_id, 1)
                    await asyncio.gather(*(hear(hub, watcher, 1) for watcher in watchers))
                for job_id in jobs:
                    await silence(cache, job_id)

    asyncio.run(scene())


def test_who_watches_while_the_line_breaks_looks_again_and_hears_on(settings: Settings) -> None:
    async def scene() -> None:
        async with opened(settings) as (hub, cache):
            job_id = new_id()
            async with hub.watch(job_id) as watcher:
                await say(cache, job_id, 1)
                await hear(hub, watcher, 1)
                await cache.client_kill_filter(_type="pubsub")
                await say(cache, job_id, 2)
                await hear(hub, watcher, 2)
                await say(cache, job_id, 3)
                await hear(hub, watcher, 3)

    asyncio.run(scene())


def test_without_redis_a_watcher_waits_and_nothing_breaks() -> None:
    async def scene() -> None:
        nowhere = Settings(redis_url="redis://127.0.0.1:1")
        async with opened(nowhere) as (hub, _):
            async with hub.watch(new_id()) as watcher:
                assert hub.count() == 1
                assert not watcher.events
            assert hub.count() == 0

    asyncio.run(scene())
