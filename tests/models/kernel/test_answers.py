"""What is read of an answer, and what is said when there is none."""

import gzip
import re
import socket
import tracemalloc
import zlib
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from threading import Event

import pytest

from models.kernel.errors import Invalid
from models.kernel.http import Egress
from models.kernel.names import Names
from models.kernel.unanswered import Cause, Unanswered
from tests.listeners import OK, Answer, Listener, says

HERE = (ip_network("127.0.0.0/8"),)


@pytest.fixture
def egress() -> Iterator[Egress]:
    made = Egress(HERE)
    yield made
    made.close()


def answer_of(body: bytes, *headers: bytes, length: int | None = None) -> bytes:
    lines = [b"HTTP/1.1 200 OK", *headers, b"Content-Length: %d" % (length or len(body))]
    return b"\r\n".join([*lines, b"", body])


def test_headers_of_an_answer_are_found_in_any_case(egress: Egress) -> None:
    with Listener(says(b"HTTP/1.1 429 No\r\nretry-AFTER: 7\r\nContent-Length: 0\r\n\r\n")) as site:
        answer = egress.send("GET", site.url)

    assert (answer.status, answer.headers["Retry-After"]) == (429, "7")


def test_a_request_is_what_it_was_told_to_be_and_nothing_of_the_environment(
    egress: Egress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    cookie = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 0\r\n\r\n"
    with Listener(says(cookie)) as site:
        for _ in range(2):
            headers = {"X-Mine": "1", "host": "elsewhere.example"}
            egress.send("POST", f"{site.url}/a?b=c", data=b"{}", headers=headers)

    first, second = (each.split(b"\r\n") for each in site.asked)
    assert first == second
    assert first[0] == b"POST /a?b=c HTTP/1.1"
    assert first[1] == b"Host: 127.0.0.1:%d" % site.port
    assert sorted(line.partition(b":")[0].lower() for line in first[1:-2]) == sorted(
        [b"host", b"user-agent", b"accept", b"accept-encoding", b"x-mine", b"content-length"]
    )
    assert b"Accept-Encoding: identity" in first


@pytest.mark.parametrize("most", [4, 5])
def test_a_larger_answer_is_its_beginning_for_those_who_want_that(
    egress: Egress, most: int
) -> None:
    with Listener(says(answer_of(b"12345"))) as site:
        answer = egress.send("GET", site.url, most=most, cut=True)

    assert (answer.status, answer.body, answer.is_cut) == (200, b"12345"[:most], most < 5)


def test_a_larger_answer_is_none_for_everybody_else(egress: Egress) -> None:
    with Listener(says(answer_of(b"12345"))) as site, pytest.raises(Unanswered) as failed:
        egress.send("GET", site.url, most=4)

    assert failed.value.cause == Cause.TOO_LARGE


def test_a_beginning_is_read_of_an_answer_that_never_ends(egress: Egress) -> None:
    """A size told beforehand is believed by nobody."""
    with Listener(says(answer_of(b"x" * 100_000, length=10**12))) as site:
        answer = egress.send("GET", site.url, cut=True)

    assert (len(answer.body), answer.is_cut) == (65_536, True)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "GZIP"])
def test_a_packed_answer_is_unpacked(egress: Egress, coding: str) -> None:
    packed = zlib.compress(b"hello") if coding == "deflate" else gzip.compress(b"hello")
    said = answer_of(packed, b"Content-Encoding: " + coding.encode())
    with Listener(says(said)) as site:
        assert egress.send("GET", site.url).body == b"hello"


@pytest.mark.parametrize("layer", ["gzip", "deflate"])
def test_no_more_is_unpacked_than_is_read(egress: Egress, layer: str) -> None:
    """Ten megabytes in ten kilobytes are `most` bytes for us, and never were more."""
    zeros = bytes(10**7)
    bomb = gzip.compress(zeros) if layer == "gzip" else zlib.compress(zeros)
    with Listener(says(answer_of(bomb, b"Content-Encoding: " + layer.encode()))) as site:
        tracemalloc.start()
        answer = egress.send("GET", site.url, most=20_000, cut=True)
        _, most_held = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        with pytest.raises(Unanswered) as failed:
            egress.send("GET", site.url, most=20_000)

    assert most_held < len(zeros) / 10
    assert (len(bomb) < 20_000, answer.body, answer.is_cut) == (True, bytes(20_000), True)
    assert failed.value.cause == Cause.TOO_LARGE


@pytest.mark.parametrize("coding", ["gzip", "br"])
def test_what_does_not_unpack_is_left_as_it_came(egress: Egress, coding: str) -> None:
    said = answer_of(b"no gzip", b"Content-Encoding: " + coding.encode())
    with Listener(says(said)) as site:
        assert egress.send("GET", site.url).body == b"no gzip"


@pytest.mark.parametrize(
    "headers",
    [b"".join(b"X-%d: 1\r\n" % n for n in range(101)), b"X-Long: " + b"x" * 70_000 + b"\r\n"],
    ids=["many", "long"],
)
def test_headers_without_end_are_no_answer(egress: Egress, headers: bytes) -> None:
    said = b"HTTP/1.1 200 OK\r\n" + headers + b"Content-Length: 0\r\n\r\n"
    with Listener(says(said)) as site, pytest.raises(Unanswered) as failed:
        egress.send("GET", site.url)

    assert failed.value.cause == Cause.GARBLED


def hangs_up(said: bytes) -> Answer:
    def answer(talk: socket.socket, _: bytes) -> None:
        talk.sendall(said)
        talk.shutdown(socket.SHUT_RDWR)

    return answer


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (hangs_up(b""), Cause.RESET),
        (hangs_up(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), Cause.RESET),
        (hangs_up(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nh"), Cause.RESET),
        (hangs_up(b"220 mail.example ESMTP\r\n"), Cause.GARBLED),
        (hangs_up(b"HTTP/1.1 two hundred\r\n\r\n"), Cause.GARBLED),
        (lambda _, __: None, Cause.TIMEOUT),
    ],
    ids=["nothing", "half", "half a chunk", "another protocol", "no status", "silence"],
)
def test_why_there_is_no_answer_is_told_apart(egress: Egress, answer: Answer, cause: Cause) -> None:
    with Listener(answer) as site, pytest.raises(Unanswered) as failed:
        egress.send("GET", site.url, seconds=0.3 if cause == Cause.TIMEOUT else 10)

    assert failed.value.cause == cause


def test_nobody_listening_is_told_apart(egress: Egress) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]

    with pytest.raises(Unanswered) as failed:
        egress.send("GET", f"http://127.0.0.1:{port}/")
    assert failed.value.cause == Cause.REFUSED


def test_a_name_that_means_nothing_is_told_apart() -> None:
    def look_up(_: str) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "no such name at 10.0.0.53")

    with pytest.raises(Unanswered) as failed:
        Egress(names=Names(look_up)).send("GET", "https://name.example/")
    assert failed.value.cause == Cause.NAME
    assert not re.search(r"\d", failed.value.message or "")


def test_a_name_whose_servers_are_silent_is_waited_for_as_long_as_any_answer() -> None:
    over = Event()

    def look_up(_: str) -> list[str]:
        over.wait()
        return ["127.0.0.1"]

    with pytest.raises(Unanswered) as failed:
        Egress(HERE, names=Names(look_up)).send("GET", "http://name.example/", seconds=0.1)
    over.set()
    assert failed.value.cause == Cause.TIMEOUT


def test_the_next_address_of_a_name_is_tried_when_one_does_not_listen(egress: Egress) -> None:
    names = Names(lambda _: ["127.0.0.3", "127.0.0.1"])
    with Listener() as site:
        several = Egress(HERE, names=names)
        assert several.send("GET", f"http://name.example:{site.port}/").status == 200
        several.close()


@pytest.mark.parametrize(
    "headers", [{"X": "a\r\nHost: b"}, {"X\r\nY": "a"}, {"X": "\N{GREEK SMALL LETTER MU}"}]
)
def test_a_header_that_cannot_be_sent_is_not(egress: Egress, headers: dict[str, str]) -> None:
    with Listener() as site:
        with pytest.raises(Invalid):
            egress.send("GET", site.url, headers=headers)
        assert egress.send("GET", site.url).body == OK[-2:]

    assert len(site.asked) == 1
