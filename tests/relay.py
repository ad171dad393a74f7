"""A relay between a process and a server, which can be cut and mended under both."""

from contextlib import suppress
from socket import SHUT_RDWR, create_connection, create_server, socket
from threading import Lock, Thread
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit


class Relay:
    """Passes on what comes to a port of its own to where an address leads."""

    def __init__(self, url: str) -> None:
        """Take the address of the server."""
        self._parts = urlsplit(url)
        self._server = create_server(("127.0.0.1", 0))
        self._lines: list[socket] = []
        self._lock = Lock()
        self._is_cut = False
        self._thread = Thread(target=self._accept)

    @property
    def url(self) -> str:
        """The same address by way of the relay."""
        user, at, _ = self._parts.netloc.rpartition("@")
        port = self._server.getsockname()[1]
        return urlunsplit(self._parts._replace(netloc=f"{user}{at}127.0.0.1:{port}"))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.cut()
        self._server.shutdown(SHUT_RDWR)
        self._thread.join()
        self._server.close()

    def cut(self) -> None:
        """Break every line, and every one that is tried."""
        with self._lock:
            self._is_cut = True
            for line in self._lines:
                with suppress(OSError):
                    line.shutdown(SHUT_RDWR)

    def mend(self) -> None:
        """Let new lines through."""
        with self._lock:
            self._is_cut = False

    def _accept(self) -> None:
        passing: list[Thread] = []
        with suppress(OSError):
            while True:
                near, _ = self._server.accept()
                with self._lock:
                    if self._is_cut:
                        near.close()
                        continue
                    try:
                        far = create_connection((self._parts.hostname or "", self._parts.port or 0))
                    except OSError:  # the server is away: as it would be without us
                        near.close()
                        continue
                    self._lines += [near, far]
                passing += [Thread(target=_pass_on, args=pair) for pair in _both(near, far)]
                for thread in passing[-2:]:
                    thread.start()
        for thread in passing:
            thread.join()
        for line in self._lines:
            line.close()


def _both(near: socket, far: socket) -> tuple[tuple[socket, socket], tuple[socket, socket]]:
    return (near, far), (far, near)


def _pass_on(source: socket, sink: socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(SHUT_RDWR)
