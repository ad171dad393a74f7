"""Waiting for a job to end, without holding a thread."""

from collections.abc import Callable
from typing import Final

from api.hop import Hop
from api.live.hub import Hub
from models.jobs import JobRow
from models.kernel.clock import Clock

LOOK_SECONDS: Final = 1.0
LOOKUP_SECONDS: Final = 10.0


async def ended(
    hub: Hub, hop: Hop, clock: Clock, load: Callable[[], JobRow], seconds: float
) -> JobRow:
    """Return a job's row once it is over, or as it is when time is up."""
    row = await hop.run(load, seconds=LOOKUP_SECONDS)
    until = clock.elapsed() + seconds
    async with hub.watch(row.id) as watcher:
        row = await hop.run(load, seconds=LOOKUP_SECONDS)
        while not row.is_over and not watcher.is_closing and clock.elapsed() < until:
            await watcher.wait(LOOK_SECONDS)
            watcher.events.clear()
            row = await hop.run(load, seconds=LOOKUP_SECONDS)
    return row
