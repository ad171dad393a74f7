"""TLS with whom is called: who shows who they are is asked, and nobody else."""

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import pytest

from models.kernel.http import Egress
from models.kernel.names import Names
from models.kernel.unanswered import Cause, Unanswered
from tests.authorities import Authority
from tests.listeners import Listener

HERE = (ip_network("127.0.0.0/8"),)
GONE = datetime(2021, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def trusting(authority: Authority) -> Iterator[Egress]:
    """What calls out and trusts our authority; every name leads to this machine."""
    names = Names(lambda _: ["127.0.0.1"])
    made = Egress(HERE, names=names, authorities=str(authority.path))
    yield made
    made.close()


def test_tls_is_spoken_with_the_name_and_kept(trusting: Egress, authority: Authority) -> None:
    asked: list[str | None] = []
    tls = authority.serves("hooks.example.org")
    tls.sni_callback = lambda _, name, __: asked.append(name)
    with Listener(tls=tls) as site:
        url = f"https://hooks.example.org:{site.port}/"
        answers = [trusting.send("POST", url, data=b"x").status for _ in range(3)]
        trusting.close()

    assert (answers, site.accepted, asked) == ([200] * 3, 1, ["hooks.example.org"])
    assert all(b"\r\nHost: hooks.example.org:%d\r\n" % site.port in each for each in site.asked)


@pytest.mark.parametrize("name", ["hooks.example.org.", "HOOKS.example.org", "hooks.example.org"])
def test_a_name_is_the_same_however_it_is_written(
    trusting: Egress, authority: Authority, name: str
) -> None:
    with Listener(tls=authority.serves("hooks.example.org")) as site:
        assert trusting.send("GET", f"https://{name}:{site.port}/").status == 200
        trusting.close()


def test_a_name_in_other_letters_is_called_by_its_ascii_one(
    trusting: Egress, authority: Authority
) -> None:
    with Listener(tls=authority.serves("xn--bcher-kva.example")) as site:
        assert trusting.send("GET", f"https://bücher.example:{site.port}/").status == 200
        trusting.close()


def test_an_address_may_have_a_certificate_too(trusting: Egress, authority: Authority) -> None:
    with Listener(tls=authority.serves("127.0.0.1")) as site:
        assert trusting.send("GET", site.url).status == 200
        trusting.close()


@pytest.mark.parametrize("fault", ["another name", "over", "unknown", "old"])
def test_who_cannot_show_who_they_are_is_asked_nothing(
    trusting: Egress, authority: Authority, tmp_path: Path, fault: str
) -> None:
    tls = {
        "another name": lambda: authority.serves("other.example.org"),
        "over": lambda: authority.serves("hooks.example.org", until=GONE),
        "unknown": lambda: Authority(tmp_path).serves("hooks.example.org"),
        "old": lambda: _old(authority.serves("hooks.example.org")),
    }[fault]()
    with Listener(tls=tls) as site, pytest.raises(Unanswered) as failed:
        trusting.send("GET", f"https://hooks.example.org:{site.port}/")

    assert (failed.value.cause, site.asked) == (Cause.TLS, [])


def _old(tls: ssl.SSLContext) -> ssl.SSLContext:
    """Return a server that speaks TLS 1.1 at most."""
    for limit in ("minimum_version", "maximum_version"):
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            setattr(tls, limit, ssl.TLSVersion.TLSv1_1)
    tls.set_ciphers("ALL:@SECLEVEL=0")
    return tls


def test_a_handshake_that_never_comes_is_cut_by_its_time(trusting: Egress) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://hooks.example.org:{silent.getsockname()[1]}/"
        with pytest.raises(Unanswered) as failed:
            trusting.send("GET", url, seconds=0.2)

    assert failed.value.cause == Cause.TIMEOUT


def test_http_is_not_taken_for_https(trusting: Egress) -> None:
    with Listener() as site, pytest.raises(Unanswered) as failed:
        trusting.send("GET", f"https://hooks.example.org:{site.port}/", seconds=1)

    assert failed.value.cause in {Cause.TLS, Cause.TIMEOUT}
