"""Senses: everything that is known of this installation at a moment, within seconds."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Final

from jobs.probes import Probe
from jobs.watch.rules import Readings
from models.kernel.exposition import Sample
from models.kernel.ledgers import Ledgers
from models.kernel.measures import DEPENDENCY_UP

PROBE_SECONDS: Final = 5.0


class Senses:
    """Asks the processes' ledgers, the gauges and the probes."""

    def __init__(
        self,
        ledgers: Ledgers,
        find: Callable[[], Iterable[Sample]],
        probes: Mapping[str, Probe],
        *,
        patience: float = PROBE_SECONDS,
    ) -> None:
        """Take what counted, what finds out more, a probe a dependency, and the seconds it has."""
        self._ledgers = ledgers
        self._find = find
        self._probes = probes
        self._patience = patience

    def read(self) -> Readings:
        """Return what is known now; a dependency that hangs does not answer."""
        up = self._up()
        return Readings(self._ledgers.read(), [*up, *self._find()])

    def _up(self) -> list[Sample]:
        threads = ThreadPoolExecutor(max(1, len(self._probes)), thread_name_prefix="sense")
        asked = {threads.submit(probe): name for name, probe in self._probes.items()}
        done, _ = wait(asked, self._patience)
        threads.shutdown(wait=False)
        return [
            (DEPENDENCY_UP, (name,), each in done and each.exception() is None)
            for each, name in asked.items()
        ]
