"""The connections to vendors: pooled, and each known to the call that is on it.

A call can be ended from another thread in every state: while it connects, shakes hands, waits for
the head of the answer, and reads its body.
"""

import select
import socket
import ssl
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final, cast

import httpcore2
import httpx2

from jobs.llms.provider import Limits, OnStop
from models.kernel.clock import Clock, SystemClock
from workers.adapters.llms.calls import Call, Watchdog

MOST_CONNECTIONS: Final = 512
"""As many as a worker may have threads on the queue `llm`."""

KEPT_SECONDS: Final = 30.0


class Exchange:
    """Where calls are put through: one pool of connections, and one watchdog over all calls."""

    def __init__(self, clock: Clock | None = None) -> None:
        """Open nothing yet; a connection is made by the first call that needs one."""
        self._clock = clock or SystemClock()
        self._watchdog = Watchdog(self._clock)
        self._lines = _Lines()
        self.http = httpx2.Client(transport=_Transport(self._lines), trust_env=False)
        """The client that vendors' SDKs are given."""

    @property
    def clock(self) -> Clock:
        """The clock that limits are kept by."""
        return self._clock

    def call(self, limits: Limits, on_stop: OnStop) -> Call:
        """Begin a call: watched from now on, and stoppable by whoever `on_stop` tells."""
        call = Call(limits, self._clock)
        self._watchdog.watch(call)
        on_stop(call.stop)
        return call

    @contextmanager
    def on_air(self, call: Call) -> Iterator[None]:
        """Let the request this thread sends inside be that of the call."""
        self._lines.call = call
        try:
            yield
        finally:
            self._lines.call = None

    def close(self) -> None:
        """Close every connection, and stop watching."""
        self.http.close()
        self._watchdog.close()


class _Lines(threading.local, httpcore2.NetworkBackend):
    """Makes connections, for the call that this thread is on."""

    call: Call | None = None

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect to the first address of a host that answers."""
        del local_address, socket_options
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(str(error)) from error
        for last, (family, kind, protocol, _, address) in enumerate(found, 1 - len(found)):
            line = _Line(socket.socket(family, kind, protocol), self)
            try:
                line.connect(address, timeout)
            except httpcore2.ConnectError:
                if last == 0:
                    raise
            else:
                return line
        raise httpcore2.ConnectError(f"{host} has no address")


class _Line(httpcore2.NetworkStream):
    """One connection; shutting it down from another thread is safe at any moment."""

    def __init__(self, end: socket.socket, lines: _Lines) -> None:
        self._end = end
        self._lines = lines
        self._lock = threading.Lock()

    def connect(self, address: Any, timeout: float | None) -> None:
        """Reach an address, as the call's; close what does not."""
        try:
            self._claim()
            self._end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._end.settimeout(timeout)
            self._end.connect(address)
        except TimeoutError as error:
            self.close()
            raise httpcore2.ConnectTimeout(str(error)) from error
        except OSError as error:
            self.close()
            raise httpcore2.ConnectError(str(error)) from error
        except BaseException:
            self.close()
            raise

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        """Shake hands; the call can be ended in the middle of it."""
        try:
            self._end.settimeout(timeout)
            with self._lock:
                self._end = ssl_context.wrap_socket(
                    self._end, server_hostname=server_hostname, do_handshake_on_connect=False
                )
            self._end.do_handshake()
        except TimeoutError as error:
            self.close()
            raise httpcore2.ConnectTimeout(str(error)) from error
        except OSError as error:
            self.close()
            raise httpcore2.ConnectError(str(error)) from error
        return self

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return what has arrived, or nothing at the end."""
        try:
            self._end.settimeout(timeout)
            return self._end.recv(max_bytes)
        except TimeoutError as error:
            raise httpcore2.ReadTimeout(str(error)) from error
        except OSError as error:
            raise httpcore2.ReadError(str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of it, for the call that this thread is on."""
        if not buffer:
            return
        self._claim()
        try:
            self._end.settimeout(timeout)
            self._end.sendall(buffer)
        except TimeoutError as error:
            raise httpcore2.WriteTimeout(str(error)) from error
        except OSError as error:
            raise httpcore2.WriteError(str(error)) from error
        if self._lines.call is not None:
            self._lines.call.sent()

    def close(self) -> None:
        """Close the socket."""
        with self._lock:
            self._end.close()

    def shut(self) -> None:
        """Shut the socket down under whoever reads it."""
        with self._lock:
            try:
                socket.socket.shutdown(self._end, socket.SHUT_RDWR)
            except OSError:
                return  # closed already, or never connected

    def get_extra_info(self, info: str) -> Any:
        """Tell the pool whether an idle connection has something to read: its end."""
        if info == "is_readable":
            return _is_readable(self._end)
        return self._end if info == "socket" else None

    def _claim(self) -> None:
        if self._lines.call is not None:
            self._lines.call.take(self)


class _Transport(httpx2.BaseTransport):
    """HTTP over the lines."""

    def __init__(self, lines: _Lines) -> None:
        self._lines = lines
        self._pool = httpcore2.ConnectionPool(
            ssl_context=_trust(),
            max_connections=MOST_CONNECTIONS,
            max_keepalive_connections=MOST_CONNECTIONS,
            keepalive_expiry=KEPT_SECONDS,
            network_backend=lines,
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; return once the head of the answer is there."""
        url = request.url
        answer = self._pool.handle_request(
            httpcore2.Request(
                method=request.method,
                url=httpcore2.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx2.Response(
            status_code=answer.status,
            headers=answer.headers,
            stream=_Body(answer, self._lines.call),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()


class _Body(httpx2.SyncByteStream):
    """The body of an answer. Its connection serves another call only after a whole answer."""

    def __init__(self, answer: httpcore2.Response, call: Call | None) -> None:
        self._answer = answer
        self._call = call

    def __iter__(self) -> Iterator[bytes]:
        yield from cast("Iterable[bytes]", self._answer.stream)

    def close(self) -> None:
        """Give the connection back, or close it."""
        if self._call is not None:
            if not self._call.is_whole:
                self._answer.extensions["network_stream"].shut()
            self._call.let_go()
        self._answer.close()


@cache
def _trust() -> ssl.SSLContext:
    """Return the certificates we believe; read once, since that takes a while."""
    return httpx2.create_ssl_context()


def _is_readable(end: socket.socket) -> bool:
    """Say whether a read would not block; a closed socket's would not."""
    if end.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(end, select.POLLIN)
    return bool(poll.poll(0))
