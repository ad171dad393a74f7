"""Connections that are kept: who is connected to again, who is let go, and nobody asked twice."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from ipaddress import ip_network
from threading import Barrier

import pytest

from models.kernel import kept_lines
from models.kernel.http import Egress
from models.kernel.kept_lines import IDLE_SECONDS, OLDEST_SECONDS, KeptLines
from models.kernel.lines import Line, TimedSocket, reached
from models.kernel.names import Names
from models.kernel.places import place_of
from models.kernel.unanswered import Cause, Unanswered
from tests.fakes.clock import FakeClock
from tests.listeners import OK, Listener, says

HERE = (ip_network("127.0.0.0/8"),)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def egress(clock: FakeClock) -> Iterator[Egress]:
    made = Egress(HERE, clock=clock)
    yield made
    made.close()


def test_who_is_called_again_is_connected_to_once(egress: Egress) -> None:
    with Listener() as site:
        bodies = [egress.send("POST", f"{site.url}/{n}", data=b"x" * n).body for n in range(5)]

    assert bodies == [b"ok"] * 5
    assert site.accepted == 1
    assert [each.split()[1] for each in site.asked] == [b"/0", b"/1", b"/2", b"/3", b"/4"]


def test_a_name_is_looked_up_once_for_a_connection(clock: FakeClock) -> None:
    looked: list[str] = []

    def look_up(name: str) -> list[str]:
        looked.append(name)
        return ["127.0.0.1"] if len(looked) == 1 else ["127.0.0.2"]

    egress = Egress(HERE, clock=clock, names=Names(look_up))
    with Listener() as site:
        for _ in range(3):
            egress.send("GET", f"http://name.example:{site.port}/")
        egress.close()

    assert (looked, site.accepted) == (["name.example"], 1)


@pytest.mark.parametrize(
    ("host", "other"), [("127.0.0.1", "127.0.0.2"), ("a.example", "b.example")]
)
def test_a_connection_is_for_the_host_it_was_made_for(
    clock: FakeClock, host: str, other: str
) -> None:
    """However alike the addresses are: what is checked of one is not checked of another."""
    egress = Egress(HERE, clock=clock, names=Names(lambda _: ["127.0.0.1"]))
    with Listener(host="0.0.0.0") as site:  # noqa: S104 - both addresses of this machine
        for each in (host, other, host, other):
            egress.send("GET", f"http://{each}:{site.port}/")
        egress.close()

    assert site.accepted == 2


@pytest.mark.parametrize("seconds", [IDLE_SECONDS, OLDEST_SECONDS])
def test_a_connection_that_nobody_used_for_long_is_let_go(
    egress: Egress, clock: FakeClock, seconds: float
) -> None:
    with Listener() as site:
        egress.send("GET", site.url)
        clock.move(seconds - 1 if seconds == IDLE_SECONDS else 1)
        egress.send("GET", site.url)
        assert site.accepted == 1

        clock.move(seconds)
        egress.send("GET", site.url)

    assert site.accepted == 2


def test_a_connection_is_let_go_however_often_it_is_used(egress: Egress, clock: FakeClock) -> None:
    """Its place may have moved meanwhile."""
    with Listener() as site:
        for _ in range(int(OLDEST_SECONDS // 20) + 1):
            egress.send("GET", site.url)
            clock.move(20)
        assert site.accepted == 1
        egress.send("GET", site.url)

    assert site.accepted == 2


def test_a_connection_they_have_ended_is_not_used(egress: Egress) -> None:
    with Listener() as site:
        egress.send("GET", site.url)
        site.hang_up()
        answer = egress.send("POST", site.url, data=b"once")

    assert (answer.status, site.accepted, len(site.asked)) == (200, 2, 2)


def test_an_answer_nobody_asked_for_is_given_to_nobody(egress: Egress) -> None:
    with Listener() as site:
        egress.send("GET", site.url)
        site.push(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
        answer = egress.send("GET", site.url)

    assert (answer.status, site.accepted) == (200, 2)


def test_a_second_answer_in_the_same_breath_is_given_to_nobody(egress: Egress) -> None:
    with Listener(says(OK + b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")) as site:
        answers = [egress.send("GET", site.url).status for _ in range(2)]

    assert answers == [200, 200]


@pytest.mark.parametrize("heard", [b"", b"HTTP/1.1 2"], ids=["nothing", "half a line"])
def test_a_request_is_never_sent_twice(egress: Egress, heard: bytes) -> None:
    """Once it is sent nobody knows what they did with it, on a kept connection too."""

    def once(talk: socket.socket, request: bytes) -> None:
        if b"/again" not in request:
            talk.sendall(OK)
            return
        talk.sendall(heard)
        talk.shutdown(socket.SHUT_RDWR)

    with Listener(once) as site:
        egress.send("GET", site.url)
        with pytest.raises(Unanswered) as failed:
            egress.send("POST", f"{site.url}/again", data=b"once")

    assert failed.value.cause in {Cause.RESET, Cause.GARBLED}
    assert sum(b"/again" in each for each in site.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 101 Other\r\nUpgrade: other\r\n\r\n",
    ],
    ids=["close", "1.0", "101"],
)
def test_a_connection_they_want_closed_is_closed(egress: Egress, answer: bytes) -> None:
    with Listener(says(answer)) as site:
        egress.send("GET", site.url)
        egress.send("GET", site.url)

    assert site.accepted == 2


@pytest.mark.parametrize("status", [204, 304, 404, 500])
def test_a_connection_survives_whatever_is_answered(egress: Egress, status: int) -> None:
    length = b"" if status in {204, 304} else b"Content-Length: 0\r\n"
    with Listener(says(b"HTTP/1.1 %d X\r\n%s\r\n" % (status, length))) as site:
        answers = [egress.send("GET", site.url).status for _ in range(3)]

    assert (answers, site.accepted) == ([status] * 3, 1)


def test_an_answer_that_was_not_read_whole_ends_its_connection(egress: Egress) -> None:
    with Listener(says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789")) as site:
        answers = [egress.send("GET", site.url, most=4, cut=True).body for _ in range(2)]

    assert (answers, site.accepted) == ([b"1234"] * 2, 2)


def test_sixty_four_threads_get_their_own_answers() -> None:
    """A line is one call's at a time, and no more are kept than may be."""

    def echo(talk: socket.socket, request: bytes) -> None:
        body = request.partition(b"\r\n\r\n")[2]
        talk.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    egress, together = Egress(HERE), Barrier(64)

    def call(number: int) -> bool:
        together.wait()
        sent = [b"%d of %d" % (n, number) for n in range(10)]
        return sent == [egress.send("POST", site.url, data=each).body for each in sent]

    with Listener(echo) as site, ThreadPoolExecutor(64) as pool:
        assert all(pool.map(call, range(64)))
        egress.close()
    assert (len(site.asked), site.accepted <= 640) == (640, True)


def line_to(site: Listener, clock: FakeClock, host: str = "127.0.0.1") -> Line:
    place = place_of(f"http://{host}:{site.port}/")
    assert place.address is not None
    made: TimedSocket = reached(place.address, site.port, 60)
    return Line(place, made, clock.elapsed())


def test_no_more_are_kept_than_may_be_and_the_longest_unused_goes_first(clock: FakeClock) -> None:
    with ExitStack() as held:
        site = held.enter_context(Listener(host="0.0.0.0"))  # noqa: S104 - many addresses of ours
        kept = KeptLines(clock, most=4, most_a_place=2)
        held.callback(kept.close)
        lines = [line_to(site, clock, f"127.0.0.{n}") for n in (1, 1, 1, 2, 3, 4)]
        for line in lines:
            kept.keep(line)

        assert [line.is_open for line in lines] == [False, False, True, True, True, True]
        assert len(kept) == 4
        assert kept.take(lines[2].place) is lines[2]
        assert kept.take(lines[2].place) is None
        lines[2].close()


def test_old_connections_go_when_another_is_used(clock: FakeClock) -> None:
    with ExitStack() as held:
        site = held.enter_context(Listener(host="0.0.0.0"))  # noqa: S104 - two addresses of ours
        kept = KeptLines(clock)
        held.callback(kept.close)
        first, second = line_to(site, clock), line_to(site, clock, "127.0.0.2")
        kept.keep(first)
        clock.move(kept_lines.IDLE_SECONDS - 1)
        kept.keep(second)
        clock.move(1)

        assert kept.take(place_of("http://127.0.0.9/")) is None
        assert (first.is_open, second.is_open, len(kept)) == (False, True, 1)
