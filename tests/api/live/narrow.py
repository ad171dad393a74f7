"""Web processes as they are, but for how much one may have of them and how long."""

from dataclasses import replace
from typing import Final

from api.app import WebApp, assemble, parts_of
from api.live.bounds import Bounds
from api.live.sockets import Sockets
from models.kernel.settings import load

HASTY: Final = Bounds(hello=0.5, ping=0.2, silence=5.0)
CROWDED: Final = Bounds(
    look=0.2, messages=20, messages_within=600.0, subjects=3, per_person=2, per_process=6
)
BLUNT: Final = Bounds(ping=0.2, send=1.0, waiting=5, linger=0.5)


def hasty() -> WebApp:
    """Return the app; it waits for nobody."""
    return _within(HASTY)


def crowded() -> WebApp:
    """Return the app; it has room for few, and looks closely at them."""
    return _within(CROWDED)


def blunt() -> WebApp:
    """Return the app; it soon parts with who does not read."""
    return _within(BLUNT)


def _within(bounds: Bounds) -> WebApp:
    parts = parts_of(load())
    sockets = Sockets(parts.hop, parts.clock, parts.settings.session_idle, bounds)

    def end() -> None:
        parts.hub.close()
        sockets.close()

    return assemble(replace(parts, sockets=sockets, end_streams=end))
