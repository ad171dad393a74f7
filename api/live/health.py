"""Health: whether we can serve, and how each thing we depend on is (G-09, I-05).

A probe has one second and an answer is kept for one, so that asking often costs nothing. Probes
run on threads of their own: a saturated pool must not make a healthy process look dead.
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import starmap
from typing import Any, Final

from falcon.asgi import Request, Response

from jobs.probes import DATABASE, Probe
from models.kernel.clock import Clock
from models.kernel.errors import NotFound
from models.kernel.logs import get_logger

PROBE_SECONDS: Final = 1.0
KEPT_SECONDS: Final = 1.0
STEPS: Final = 10
"""In which a probe is waited for: while this process stands still, one of them passes."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Finding:
    """How one dependency was, and how long it took to say so."""

    is_up: bool
    took_ms: float
    figures: Mapping[str, int] = field(default_factory=dict)

    @property
    def wire(self) -> dict[str, Any]:
        """The finding as JSON; why something is down is in the log, not here."""
        told = {"status": "ok" if self.is_up else "down", "took_ms": self.took_ms}
        return {**told, "figures": dict(self.figures)} if self.figures else told


class Health:
    """Answers `/health` and `/health/{dependency}`."""

    def __init__(
        self,
        probes: Mapping[str, Probe],
        version: str,
        clock: Clock,
        *,
        patience: float = PROBE_SECONDS,
    ) -> None:
        """Take a probe a dependency, which raises when it is down, and the seconds it has."""
        self._patience = patience
        self._probes = probes
        self._version = version
        self._clock = clock
        self._threads = ThreadPoolExecutor(max(1, len(probes)), thread_name_prefix="probe")
        self._hanging: dict[str, asyncio.Future[object]] = {}
        self._kept: dict[str, Finding] = {}
        self._kept_until = 0.0
        self._asking: asyncio.Task[None] | None = None

    async def on_get(self, _req: Request, resp: Response) -> None:
        """Answer how everything is; 503 only when the database is away."""
        findings = await self.findings()
        status = _overall(findings)
        resp.status = 503 if status == "down" else 200
        resp.media = {
            "status": status,
            "version": self._version,
            "dependencies": {name: finding.wire for name, finding in findings.items()},
        }

    async def on_get_one(self, _req: Request, resp: Response, dependency: str) -> None:
        """Answer how one dependency is; 503 when it is down."""
        findings = await self.findings()
        if dependency not in findings:
            raise NotFound(f"there is no dependency of this name: {', '.join(findings)}")
        resp.status = 200 if findings[dependency].is_up else 503
        resp.media = findings[dependency].wire

    def close(self) -> None:
        """Let the probes' threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def findings(self) -> Mapping[str, Finding]:
        """Return findings a second old at most; who asks meanwhile waits for the same round."""
        if self._clock.elapsed() >= self._kept_until:
            if self._asking is None or self._asking.done():
                self._asking = asyncio.create_task(self._ask_all())
            await asyncio.shield(self._asking)
        return self._kept

    async def _ask_all(self) -> None:
        findings = await asyncio.gather(*starmap(self._ask, self._probes.items()))
        self._kept = dict(zip(self._probes, findings, strict=True))
        self._kept_until = self._clock.elapsed() + KEPT_SECONDS

    async def _ask(self, name: str, probe: Probe) -> Finding:
        """Run one probe; one that still hangs from before is not started again."""
        started = self._clock.elapsed()
        future = self._hanging.pop(name, None)
        if future is None or future.done():
            future = asyncio.get_running_loop().run_in_executor(self._threads, probe)
        has_answered = await self._answered(future)
        took_ms = round((self._clock.elapsed() - started) * 1000, 1)
        if not has_answered:
            self._hanging[name] = future
            log.warning("health.slow", dependency=name)
            return Finding(is_up=False, took_ms=took_ms)
        error = future.exception()
        if error is not None:
            log.warning("health.down", dependency=name, error=type(error).__name__)
            return Finding(is_up=False, took_ms=took_ms)
        found = future.result()
        return Finding(True, took_ms, found if isinstance(found, Mapping) else {})

    async def _answered(self, future: asyncio.Future[object]) -> bool:
        """Wait as long as a probe has; say whether it has answered."""
        for _ in range(STEPS):
            done, _ = await asyncio.wait([future], timeout=self._patience / STEPS)
            if done:
                return True
        return False


def _overall(findings: Mapping[str, Finding]) -> str:
    if DATABASE in findings and not findings[DATABASE].is_up:
        return "down"
    return "ok" if all(finding.is_up for finding in findings.values()) else "degraded"
