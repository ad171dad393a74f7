"""Names: what addresses a name means now, asked within a limit of time.

`getaddrinfo` waits for as long as a name's servers let it. So it waits in a thread of its own: one
for a name however many ask for it, and a bounded number in all, so that a dead name holds up those
who want it and nobody else.
"""

import socket
from collections.abc import Callable
from concurrent.futures import Future
from ipaddress import ip_address
from threading import Condition, Thread
from typing import Any, Final

from models.kernel.places import Address

MOST_AT_ONCE: Final = 64

LookUp = Callable[[str], list[str]]


def looked_up(name: str) -> list[str]:
    """Ask the system what a name means; raises `OSError` for nothing, `ValueError` for no name."""
    found: list[Any] = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return [str(entry[4][0]).partition("%")[0] for entry in found]


class Names:
    """Looks names up. Safe in threads; a name is asked for again each time, nothing is kept."""

    def __init__(self, look_up: LookUp = looked_up, *, most: int = MOST_AT_ONCE) -> None:
        """Take what looks a name up, and how many names may be waited for at once."""
        self._look_up = look_up
        self._most = most
        self._room = Condition()
        self._under_way: dict[str, Future[tuple[Address, ...]]] = {}

    def addresses(self, name: str, seconds: float) -> tuple[Address, ...]:
        """Return every address of a name, the best first.

        Raises `socket.gaierror` when it has none, `TimeoutError` when the time is over.
        """
        return self._asked(name, seconds).result(seconds)

    def _asked(self, name: str, seconds: float) -> Future[tuple[Address, ...]]:
        """Return the answer to come, of a question that is under way or begins now."""
        with self._room:
            if not self._room.wait_for(lambda: self._has_room_for(name), seconds):
                raise TimeoutError
            if name not in self._under_way:
                self._under_way[name] = Future()
                Thread(target=self._ask, args=(name,), name="names", daemon=True).start()
            return self._under_way[name]

    def _has_room_for(self, name: str) -> bool:
        return name in self._under_way or len(self._under_way) < self._most

    def _ask(self, name: str) -> None:
        found: tuple[Address, ...] | OSError
        try:
            found = tuple(map(ip_address, self._look_up(name)))
        except OSError as error:
            found = error
        except ValueError:
            found = socket.gaierror(socket.EAI_NONAME, "this is no name")
        with self._room:
            future = self._under_way.pop(name)
            self._room.notify_all()
        if isinstance(found, OSError):
            future.set_exception(found)
        else:
            future.set_result(found)
