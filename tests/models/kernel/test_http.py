"""Egress: where an address somebody named may lead, and how long a call may take."""

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address, ip_network
from threading import Event, Thread
from typing import Any

import pytest

from models.kernel.errors import Unavailable
from models.kernel.http import Egress
from models.kernel.lines import TimedSocket, reached
from models.kernel.names import Names
from models.kernel.places import Address
from models.kernel.unanswered import NotAllowed

HERE = (ip_network("127.0.0.0/8"),)


class Site(ThreadingHTTPServer):
    """A server that answers as it is told."""

    daemon_threads = True

    def __init__(self, answer: Callable[[BaseHTTPRequestHandler], None]) -> None:
        super().__init__(("127.0.0.1", 0), Answerer)
        self.answer = answer
        self.asked: list[str] = []
        self.over = Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answerer(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.answer(self)

    def log_message(self, *_: object) -> None:
        pass


Serve = Callable[[Callable[[BaseHTTPRequestHandler], None]], Site]


@pytest.fixture
def serve() -> Iterator[Serve]:
    sites: list[tuple[Site, Thread]] = []

    def start(answer: Callable[[BaseHTTPRequestHandler], None]) -> Site:
        site = Site(answer)
        thread = Thread(target=site.serve_forever)
        thread.start()
        sites.append((site, thread))
        return site

    yield start
    for site, thread in sites:
        site.over.set()
        site.shutdown()
        thread.join()
        site.server_close()


def says(status: int, body: bytes, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(asked: BaseHTTPRequestHandler) -> None:
        asked.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            asked.send_header(name, value)
        asked.end_headers()
        asked.wfile.write(body)

    return answer


def meaning(*rounds: list[str]) -> Names:
    """Let every name mean these addresses, others at each look."""
    left = list(rounds)
    return Names(lambda _: left.pop(0) if len(left) > 1 else left[0])


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]:8443/x",
        "https://[::ffff:8.8.8.8]/",
    ],
)
def test_public_addresses_are_fine(url: str) -> None:
    Egress().check(url)


def test_plain_http_is_for_listed_networks_alone() -> None:
    with pytest.raises(NotAllowed):
        Egress().check("http://example.org/")
    with pytest.raises(NotAllowed):
        Egress(HERE).check("http://8.8.8.8/")
    Egress(HERE).check("http://127.0.0.1:8080/")


def test_a_listed_network_is_called(serve: Serve) -> None:
    site = serve(says(200, b'{"ok":true}', Etag="x"))

    answer = Egress(HERE).send("GET", f"{site.url}/keys?x=1")

    assert (answer.status, answer.body, answer.headers["Etag"]) == (200, b'{"ok":true}', "x")
    assert site.asked == ["/keys?x=1"]


@pytest.mark.parametrize("order", [["127.0.0.1", "10.0.0.1"], ["10.0.0.1", "127.0.0.1"]])
def test_one_odd_address_of_a_name_is_enough(serve: Serve, order: list[str]) -> None:
    site = serve(says(200, b""))

    with pytest.raises(NotAllowed) as refused:
        Egress(HERE, names=meaning(order)).send("GET", f"http://name.example:{site.server_port}/")
    assert site.asked == []
    assert refused.value.cause == "name"


def test_a_name_that_means_something_else_a_moment_later_leads_nowhere() -> None:
    """The address that was looked at is the one that is connected to."""
    asked: list[str] = []

    def reach(address: Address, *_: Any) -> TimedSocket:
        asked.append(str(address))
        raise TimeoutError

    egress = Egress(names=meaning(["8.8.8.8"], ["127.0.0.1"]), reach=reach)

    with pytest.raises(Unavailable):
        egress.send("GET", "https://name.example/")
    with pytest.raises(NotAllowed):
        egress.send("GET", "https://name.example/")
    assert asked == ["8.8.8.8"]


def test_who_is_at_the_other_end_is_looked_at_again(serve: Serve) -> None:
    site = serve(says(200, b"secret"))

    def reach(_: Address, __: int, seconds: float) -> TimedSocket:
        return reached(ip_address("127.0.0.1"), site.server_port, seconds)

    with pytest.raises(NotAllowed):
        Egress(names=meaning(["8.8.8.8"]), reach=reach).send("GET", "https://name.example/")
    assert site.asked == []


def test_a_redirect_is_an_answer_like_any_other(serve: Serve) -> None:
    inside = serve(says(200, b"secret"))
    site = serve(says(302, b"", Location=f"{inside.url}/"))

    assert Egress(HERE).send("GET", site.url).status == 302
    assert inside.asked == []


def test_a_proxy_of_the_environment_is_not_used(monkeypatch, serve: Serve) -> None:
    proxy, site = serve(says(200, b"proxied")), serve(says(200, b"straight"))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)

    assert Egress(HERE).send("GET", site.url).body == b"straight"


def test_an_answer_that_never_ends_is_cut_by_its_size(serve: Serve) -> None:
    def endless(asked: BaseHTTPRequestHandler) -> None:
        asked.send_response(200)
        asked.end_headers()
        with suppress(OSError):  # however it is hung up on
            while not asked.server.over.is_set():  # type: ignore[attr-defined]  # the server is a Site
                asked.wfile.write(b"x" * 10_000)

    site = serve(endless)

    with pytest.raises(Unavailable, match="more than"):
        Egress(HERE).send("GET", site.url)


@pytest.mark.parametrize("part", ["status", "headers", "body"])
def test_an_answer_that_drips_is_cut_by_its_time(serve: Serve, part: str) -> None:
    """A byte now and then keeps every read within its limit, and the whole is limited too."""

    def drip(asked: BaseHTTPRequestHandler) -> None:
        start = {"status": b"HTTP/1.1 2", "headers": b"HTTP/1.1 200 OK\r\nX", "body": b""}[part]
        asked.wfile.write(start or b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
        while not asked.server.over.wait(0.05):  # type: ignore[attr-defined]  # the server is a Site
            try:
                asked.wfile.write(b"0")
                asked.wfile.flush()
            except OSError:
                return

    site = serve(drip)

    with pytest.raises(Unavailable):
        Egress(HERE).send("GET", site.url, seconds=0.5)


def test_nobody_there_is_told_as_that() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]

    with pytest.raises(Unavailable):
        Egress(HERE).send("GET", f"http://127.0.0.1:{port}/")
