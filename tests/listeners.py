"""A listener that counts who connects, and says what it is told to, byte by byte."""

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from threading import Lock, Thread
from types import TracebackType
from typing import Self

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Answer = Callable[[socket.socket, bytes], None]
"""Says something to a request that was read whole."""


def says(answer: bytes) -> Answer:
    """Give every request the same answer, and go on listening."""
    return lambda talk, _: talk.sendall(answer)


class Listener:
    """Listens on an address of ours for as long as the block lasts."""

    def __init__(
        self,
        answer: Answer | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.accepted = 0
        self.asked: list[bytes] = []
        self._answer = answer or says(OK)
        self._tls = tls
        self._lock = Lock()
        self._talks: list[socket.socket] = []
        self._threads: list[Thread] = []
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._server = socket.create_server((host, port), family=family, backlog=256)
        self.port: int = self._server.getsockname()[1]

    @property
    def url(self) -> str:
        scheme = "https" if self._tls else "http"
        return f"{scheme}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self.hang_up()
        for thread in self._threads:
            thread.join()
        self._server.close()

    def hang_up(self) -> None:
        """End every connection there is."""
        with self._lock:
            for talk in self._talks:
                with suppress(OSError):
                    talk.shutdown(socket.SHUT_RDWR)

    def push(self, unasked: bytes) -> None:
        """Say something to everybody who is connected."""
        with self._lock:
            for talk in self._talks:
                talk.sendall(unasked)

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = Thread(target=work, args=arguments)
        thread.start()
        self._threads.append(thread)

    def _accept(self) -> None:
        while True:
            try:
                talk, _ = self._server.accept()
            except OSError:
                return
            self.accepted += 1
            with self._lock:
                self._talks.append(talk)
            self._start(self._serve, talk)

    def _serve(self, talk: socket.socket) -> None:
        with suppress(OSError), talk:
            talk.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is None:
                self._talk(talk)
                return
            with self._tls.wrap_socket(talk, server_side=True) as secured:
                with self._lock:
                    self._talks[self._talks.index(talk)] = secured
                self._talk(secured)

    def _talk(self, talk: socket.socket) -> None:
        while request := _request(talk):
            with self._lock:
                self.asked.append(request)
            self._answer(talk, request)


def _request(talk: socket.socket) -> bytes:
    """Read a request whole; empty when they have gone."""
    read = b""
    while b"\r\n\r\n" not in read:
        piece = talk.recv(65_536)
        if not piece:
            return b""
        read += piece
    head, _, body = read.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    length = int(lengths[0].partition(b":")[2]) if lengths else 0
    while len(body) < length:
        piece = talk.recv(65_536)
        if not piece:
            return b""
        body += piece
    return head + b"\r\n\r\n" + body
