"""Lines: connections to places, each made to an address that was looked at, and held to a time.

A line belongs to one call at a time. Every wait on it ends when the time of its call does, so that
who says a byte now and then is not listened to for longer (slow loris).
"""

import socket
import ssl
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, Final, cast

from requests import PreparedRequest
from urllib3.connection import HTTPConnection
from urllib3.response import HTTPResponse

from models.kernel.clock import Clock
from models.kernel.names import Names
from models.kernel.places import Address, Gate, Place

CONNECT_SECONDS: Final = 3.0
MOST_TRIED: Final = 4
"""Addresses of a name that are tried before nobody is there."""

_SUCCESS: Final = 200


class Due:
    """The moment at which a call is over."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        """Begin now."""
        self._clock = clock
        self._end = clock.elapsed() + seconds

    def left(self) -> float:
        """Return the seconds that are left, more than none; raise `TimeoutError` if none are."""
        left = self._end - self._clock.elapsed()
        if left <= 0:
            raise TimeoutError
        return left


class TimedSocket(socket.socket):
    """A socket whose every wait ends when its call is due."""

    due: Due | None = None

    def recv_into(self, *arguments: Any) -> int:
        """Read what has come, or wait for it for as long as there is time."""
        self._hurry()
        return super().recv_into(*arguments)

    def send(self, *arguments: Any) -> int:
        """Send some of it."""
        self._hurry()
        return super().send(*arguments)

    def sendall(self, *arguments: Any) -> None:
        """Send all of it."""
        self._hurry()
        super().sendall(*arguments)

    def _hurry(self) -> None:
        if self.due is not None:
            self.settimeout(self.due.left())


class _TimedTls(TimedSocket, ssl.SSLSocket):
    """The same over TLS."""


class _Wire(HTTPConnection):
    """A connection that never connects by itself: where to is decided by us alone."""

    def __init__(self, place: Place, made: socket.socket) -> None:
        """Take where it leads, and what is connected."""
        super().__init__(place.host, place.port)
        self.auto_open = 0
        self.sock = made


Reach = Callable[[Address, int, float], TimedSocket]


def reached(address: Address, port: int, seconds: float) -> TimedSocket:
    """Connect to an address, within some seconds; raises `OSError`."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    made = TimedSocket(family, socket.SOCK_STREAM)
    try:
        made.settimeout(seconds)
        made.connect((str(address), port))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        made.close()
        raise
    return made


class Line:
    """One connection to a place."""

    def __init__(self, place: Place, made: TimedSocket, made_at: float) -> None:
        """Take where it leads, what is connected, and when that was (`Clock.elapsed`)."""
        self.place = place
        self.made_at = self.used_at = made_at
        self.is_open = True
        self._socket = made
        self._wire = _Wire(place, made)

    def asks(self, request: PreparedRequest, due: Due, most: int) -> tuple[HTTPResponse, bytes]:
        """Send a request; return the answer and `most` bytes of it as they came, and one more.

        The line stays open if all of the answer was read, and neither side wants it closed.
        Raises `OSError`, `HTTPException` and urllib3's `HTTPError`.
        """
        self._socket.due, is_over = due, False
        try:
            self._wire.request(
                request.method or "",
                request.path_url,
                request.body,
                request.headers,
                preload_content=False,
                decode_content=False,
            )
            answer = self._wire.getresponse()
            body = _read(answer, most + 1)
            is_over = not self._wire.is_closed and answer.closed and answer.status >= _SUCCESS
            answer.close()
        finally:
            if not is_over:
                self.close()
        return answer, body

    def is_quiet(self) -> bool:
        """Say whether nothing came since the last answer: no end, and nothing nobody asked for."""
        pending = self._socket.pending() if isinstance(self._socket, ssl.SSLSocket) else 0
        return not pending and self._wire.is_connected

    def close(self) -> None:
        """Hang up."""
        self.is_open = False
        self._wire.close()
        self._socket.close()


def _read(answer: HTTPResponse, most: int) -> bytes:
    body = answer.read(most, decode_content=False)
    if answer.length_remaining and len(body) < most:
        raise ConnectionResetError
    return body


class Dialler:
    """Makes lines."""

    def __init__(
        self, gate: Gate, names: Names, clock: Clock, *, authorities: str, reach: Reach = reached
    ) -> None:
        """Take who may be called, what names mean, and the file of whom to trust with TLS."""
        self._gate = gate
        self._names = names
        self._clock = clock
        self._authorities = authorities
        self._reach = reach

    def look(self, place: Place, due: Due) -> tuple[Address, ...]:
        """Return what a place is called at, all of it allowed; raises `NotAllowed`, `OSError`."""
        found = (place.address,) if place.address else self._names.addresses(place.host, due.left())
        self._gate.check_addresses(found, place)
        return found

    def dial(self, place: Place, due: Due) -> Line:
        """Connect to a place, and look who is there; raises `NotAllowed` and `OSError`."""
        found = self.look(place, due)
        made = self._connected(found[:MOST_TRIED], place, due)
        try:
            self._gate.check_addresses([ip_address(made.getpeername()[0])], place)
            if place.scheme == "https":
                made.settimeout(due.left())
                made = self._secured(made, place)
            return Line(place, made, self._clock.elapsed())
        except BaseException:
            made.close()
            raise

    def _secured(self, made: TimedSocket, place: Place) -> _TimedTls:
        """Speak TLS from now on; what the context makes is what it was told to make."""
        context = _trusting(self._authorities)
        return cast("_TimedTls", context.wrap_socket(made, server_hostname=place.host))

    def _connected(self, addresses: tuple[Address, ...], place: Place, due: Due) -> TimedSocket:
        """Connect to the first address that lets us; each was looked at."""
        failed: OSError = socket.gaierror(socket.EAI_NODATA, "the name means nothing")
        for address in addresses:
            try:
                return self._reach(address, place.port, min(due.left(), CONNECT_SECONDS))
            except OSError as error:
                failed = error
        raise failed


@lru_cache(8)
def _trusting(authorities: str) -> ssl.SSLContext:
    """Return how TLS is spoken: 1.2 or later, with who shows a certificate for the name called."""
    context = ssl.create_default_context(cafile=authorities)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.sslsocket_class = _TimedTls
    return context
