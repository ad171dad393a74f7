"""Presence: a web process is among the services from its start to its end (G-02)."""

from jobs.services import Registry


class Presence:
    """Begins to beat when the process serves; what is closed last ends it."""

    def __init__(self, registry: Registry) -> None:
        """Take this process among the others."""
        self._registry = registry

    async def process_startup(self, _scope: object, _event: object) -> None:
        """Say that this process lives, from now on."""
        self._registry.start()
