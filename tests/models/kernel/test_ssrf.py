"""Ways into the house by an address somebody names: every one is known, and none leads in (H-12).

A listener hears whatever comes to this machine, by any of its addresses. Nobody may come.
"""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
import requests

from models.kernel.http import Egress
from models.kernel.lines import TimedSocket
from models.kernel.names import Names
from models.kernel.places import Address, is_public
from models.kernel.settings import Settings
from models.kernel.unanswered import Cause, NotAllowed, Unanswered
from tests.listeners import Listener, says

ADDRESSES = {
    "loopback": "127.0.0.1", "loopback-other": "127.1.2.3", "loopback-last": "127.255.255.255",
    "this-network": "0.0.0.0", "this-network-other": "0.1.2.3",  # noqa: S104 - bound to by nobody
    "private-10": "10.1.2.3", "private-172": "172.16.0.1", "private-172-last": "172.31.255.254",
    "private-192": "192.168.0.1", "shared-cgnat": "100.64.0.1", "shared-cgnat-last": "100.127.9.9",
    "link-local": "169.254.1.1", "metadata": "169.254.169.254", "metadata-ecs": "169.254.170.2",
    "metadata-alibaba": "100.100.100.200", "metadata-oracle": "192.0.0.192",
    "ietf": "192.0.0.8", "documentation-1": "192.0.2.1", "documentation-2": "198.51.100.7",
    "documentation-3": "203.0.113.9", "benchmark": "198.18.0.1", "6to4-relay": "192.88.99.1",
    "multicast": "224.0.0.1", "multicast-last": "239.255.255.255", "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "v6-loopback": "::1", "v6-loopback-long": "0:0:0:0:0:0:0:1", "v6-none": "::",
    "v6-link-local": "fe80::1", "v6-link-local-last": "febf::1", "v6-site-local": "fec0::1",
    "v6-local": "fc00::1", "v6-local-fd": "fd12:3456:789a::1", "v6-metadata": "fd00:ec2::254",
    "v6-multicast": "ff02::1", "v6-multicast-global": "ff0e::1", "v6-documentation": "2001:db8::1",
    "v6-documentation-new": "3fff::1", "v6-discard": "100::1", "v6-segments": "5f00::1",
    "v6-orchid": "2001:20::1", "v6-benchmark": "2001:2::1",
    "v6-compatible": "::127.0.0.1", "v6-compatible-hex": "::7f00:1",
    "v6-compatible-public": "::8.8.8.8", "v6-mapped": "::ffff:127.0.0.1",
    "v6-mapped-hex": "::ffff:7f00:1", "v6-mapped-long": "0:0:0:0:0:ffff:127.0.0.1",
    "v6-mapped-upper": "::FFFF:7F00:0001", "v6-mapped-metadata": "::ffff:169.254.169.254",
    "v6-mapped-private": "::ffff:10.0.0.1", "v6-mapped-none": "::ffff:0.0.0.0",
    "v6-translated": "::ffff:0:127.0.0.1", "nat64": "64:ff9b::7f00:1",
    "nat64-dotted": "64:ff9b::127.0.0.1", "nat64-metadata": "64:ff9b::a9fe:a9fe",
    "nat64-public": "64:ff9b::808:808", "nat64-local": "64:ff9b:1::a00:1", "6to4": "2002:7f00:1::",
    "6to4-private": "2002:a00:1::1", "teredo": "2001:0:7f00:1::",
    "teredo-inverted": "2001:0:4136:e378:8000:63bf:80ff:fffe",
}  # fmt: skip
"""By what they are; each is a vector by itself, and as what a name means."""

HOSTS = {
    "short-127.1": "127.1", "short-127.0.1": "127.0.1", "short-0": "0", "octal": "0177.0.0.1",
    "octal-long": "00000177.0.0.01", "hex-parts": "0x7f.0.0.1", "hex": "0x7f000001",
    "hex-upper": "0X7F000001", "octal-whole": "017700000001", "decimal": "2130706433",
    "decimal-metadata": "2852039166", "decimal-over": "4294967297", "mixed": "0x7f.1",
    "five-parts": "127.0.0.1.1", "number-last": "name.127", "hex-empty": "0x",
    "dot": "127.0.0.1.", "dots": "127.0.0.1..", "dot-first": ".127.0.0.1", "dot-alone": ".",
    "dots-inside": "127..0.0.1",
    "localhost": "localhost", "localhost-upper": "LOCALHOST", "localhost-dot": "localhost.",
    "localhost-below": "any.localhost", "localhost-below-dot": "a.b.localhost.",
    "no-dot": "redis", "no-dot-metadata": "metadata",
    "circled": "①②⑦.⓪.⓪.①", "wide-digits": "１２７.０.０.１", "wide-dots": "127。0。0。1",
    "half-dots": "127｡0｡0｡1", "full-dots": "127．0．0．1", "wide-localhost": "ｌｏｃａｌｈｏｓｔ",
    "soft-hyphen": "local\u00adhost", "long-s": "localhoſt", "arabic-digits": "١٢٧.٠.٠.١",
    "percent": "%31%32%37.0.0.1", "percent-letter": "%6cocalhost", "percent-dot": "127%2e0.0.1",
    "zone": "[fe80::1%25lo]", "zone-plain": "[fe80::1%lo]", "zone-loopback": "[::1%25lo]",
    "brackets-v4": "[127.0.0.1]", "brackets-none": "[]", "brackets-open": "[::1",
    "brackets-twice": "[[::1]]", "future": "[v1.127]", "bare-v6": "::1",
    "long-label": "x" * 64 + ".example", "long-name": "x." * 127 + "example",
    "underline-only-comma": "127.0.0.1,example.org", "semicolon": "127.0.0.1;example.org",
    "star": "*.example.org", "quote": "127.0.0.1'", "brace": "{127.0.0.1}",
}  # fmt: skip

URLS = {
    "userinfo": "https://user@127.0.0.1:{port}/", "userinfo-both": "https://u:p@127.0.0.1:{port}/",
    "userinfo-host": "https://example.org@127.0.0.1:{port}/", "userinfo-empty": "https://@127.0.0.1/",
    "userinfo-after": "https://127.0.0.1:{port}@example.org/",
    "userinfo-twice": "https://a@127.0.0.1:{port}@example.org/",
    "userinfo-wide": "https://example.org＠127.0.0.1:{port}/",
    "userinfo-fragment": "https://127.0.0.1:{port}#@example.org/",
    "userinfo-query": "https://127.0.0.1:{port}?@example.org/",
    "backslash": "https://example.org\\@127.0.0.1:{port}/", "backslashes": "https:\\\\127.0.0.1/",
    "backslash-host": "https://127.0.0.1\\.example.org/",
    "space": "https://127.0.0.1 .example.org/", "space-first": " https://127.0.0.1:{port}/",
    "space-last": "https://127.0.0.1:{port}/ ", "tab": "https://127.0.\t0.1:{port}/",
    "newline": "https://127.0.0.1\n:{port}/", "return": "https://example.org/\r\nHost: 127.0.0.1",
    "zero": "https://example.org\x00.127.0.0.1/", "control": "https://127.0.0.1\x1f/",
    "delete": "https://127.0.0.1\x7f/", "no-break": "https://127.0.0.1\u00a0/",
    "zero-width": "https://127.0.0.1\u200b/", "mark": "\ufeffhttps://127.0.0.1/",
    "surrogate": "https://127.0.0.1/\ud800",
    "scheme-tab": "ht\ttps://127.0.0.1/", "scheme-newline": "https\n://127.0.0.1/",
    "plain-http": "http://127.0.0.1:{port}/", "plain-http-name": "http://example.org/",
    "plain-http-public": "http://8.8.8.8/",
    "file": "file:///etc/passwd", "file-host": "file://127.0.0.1/etc/passwd",
    "gopher": "gopher://127.0.0.1:{port}/_X", "ftp": "ftp://127.0.0.1:{port}/",
    "dict": "dict://127.0.0.1:{port}/info", "ldap": "ldap://127.0.0.1:{port}/",
    "ws": "ws://127.0.0.1:{port}/", "wss": "wss://127.0.0.1:{port}/", "data": "data:,hello",
    "javascript": "javascript:alert(1)", "unix": "http+unix://%2ftmp%2fsocket/",
    "jar": "jar:http://127.0.0.1:{port}!/", "no-scheme": "//127.0.0.1:{port}/",
    "no-slashes": "https:127.0.0.1:{port}/", "one-slash": "https:/127.0.0.1:{port}/",
    "three-slashes": "https:///127.0.0.1:{port}/", "no-host": "https://", "host-alone": "127.0.0.1",
    "port-zero": "https://example.org:0/", "port-large": "https://example.org:99999/",
    "port-negative": "https://example.org:-1/", "port-word": "https://example.org:http/",
    "port-wide": "https://example.org:４４３/", "port-twice": "https://127.0.0.1:{port}:443/",
    "port-empty": "https://127.0.0.1:/", "very-long": "https://example.org/" + "x" * 2_000,
    "empty": "",
}  # fmt: skip

KNOWN = {
    **{f"address-{k}": f"https://[{v}]:{{port}}/" if ":" in v else f"https://{v}:{{port}}/"
       for k, v in ADDRESSES.items()},
    **{f"host-{k}": f"https://{v}:{{port}}/" for k, v in HOSTS.items()},
    **{f"url-{k}": v for k, v in URLS.items()},
}  # fmt: skip
OURS = ("127.0.0.1", "[::ffff:127.0.0.1]", "127.0.0.1.", "localhost", "LOCALHOST.")
BY_OTHERS = ("127.1", "0177.0.0.1", "0x7f000001", "2130706433", "017700000001", "localhost")


@dataclass(frozen=True, slots=True)
class House:
    """Everything that listens here, at one port of every address this machine has."""

    doors: list[Listener]

    @property
    def port(self) -> int:
        return self.doors[0].port

    def came(self) -> int:
        """Return how many have come: whoever came is heard before who comes now."""
        for address in ("127.0.0.1", "::1")[: len(self.doors)]:
            with socket.create_connection((address, self.port)) as visitor:
                visitor.sendall(b"GET / HTTP/1.1\r\n\r\n")
                visitor.recv(1)
        return sum(door.accepted - 1 for door in self.doors)


def has_v6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def open_house() -> Iterator[House]:
    with ExitStack() as held:
        doors = [held.enter_context(Listener(host="0.0.0.0"))]  # noqa: S104 - whoever comes is counted
        if has_v6():
            doors.append(held.enter_context(Listener(host="::", port=doors[0].port)))
        yield House(doors)


@pytest.fixture
def house(open_house: House) -> House:
    """The house before anybody came."""
    for door in open_house.doors:
        door.accepted = 0
    return open_house


def test_there_are_enough_vectors() -> None:
    assert len(KNOWN) >= 150
    assert not any(is_public(ip_address(each)) for each in ADDRESSES.values() if "8.8" not in each)


@pytest.mark.parametrize("url", [pytest.param(url, id=name) for name, url in KNOWN.items()])
def test_it_is_refused_before_it_is_kept_and_leads_nowhere(house: House, url: str) -> None:
    egress, named = Egress(), url.replace("{port}", str(house.port))

    with pytest.raises(NotAllowed) as refused:
        egress.check(named)
    with pytest.raises(NotAllowed):
        egress.send("GET", named, seconds=5)

    assert refused.value.cause == Cause.ADDRESS
    assert house.came() == 0


class Reached(AssertionError):
    """Somebody was connected to."""


def no_one(address: Address, *_: Any) -> TimedSocket:
    raise Reached(str(address))


@pytest.mark.parametrize("others", ["alone", "after", "before"])
@pytest.mark.parametrize("address", [pytest.param(v, id=k) for k, v in ADDRESSES.items()])
def test_a_name_that_means_it_leads_nowhere(address: str, others: str) -> None:
    meaning = {
        "alone": [address],
        "after": ["8.8.8.8", "2606:4700::1111", address],
        "before": [address, "8.8.8.8"],
    }[others]
    egress = Egress(names=Names(lambda _: meaning), reach=no_one)

    egress.check("https://name.example/")
    with pytest.raises(NotAllowed) as refused:
        egress.send("GET", "https://name.example/")
    assert refused.value.cause == Cause.NAME


def test_this_machine_is_not_called_by_its_own_name(house: House) -> None:
    url = f"https://{socket.gethostname()}:{house.port}/"

    with pytest.raises((NotAllowed, Unanswered)):
        Egress().send("GET", url, seconds=5)
    assert house.came() == 0


@pytest.mark.parametrize("meaning", [[], None], ids=["no addresses", "no such name"])
def test_a_name_that_means_nothing_leads_nowhere(meaning: list[str] | None) -> None:
    def look_up(_: str) -> list[str]:
        if meaning is None:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return meaning

    with pytest.raises(Unanswered) as failed:
        Egress(names=Names(look_up), reach=no_one).send("GET", "https://name.example/")
    assert failed.value.cause == Cause.NAME


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("place", ["http://127.0.0.2:{port}/", "//127.0.0.2:{port}", "file:///x"])
def test_a_redirect_leads_nowhere(house: House, status: int, place: str) -> None:
    """To a place that might be called for once, too: nobody is sent on."""
    location = place.replace("{port}", str(house.port)).encode()
    answer = b"HTTP/1.1 %d On\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % (status, location)
    egress = Egress((ip_network("127.0.0.0/8"),))
    with Listener(says(answer)) as site:
        assert egress.send("GET", site.url).status == status
        egress.close()

    assert house.came() == 0


@pytest.mark.parametrize("host", OURS)
def test_the_very_same_is_reached_once_an_operator_lists_it(house: House, host: str) -> None:
    """So what refuses it above is the guard, and nothing else that is in the way."""
    settings = Settings(egress_allow=("127.0.0.0/8", "::1/128"))
    egress = Egress(settings.reachable)
    url = f"http://{host}:{house.port}/"

    egress.check(url)
    assert egress.send("GET", url).status == 200
    egress.close()
    assert house.came() == 1


@pytest.mark.parametrize("host", BY_OTHERS)
def test_the_very_same_leads_in_when_nobody_guards(house: House, host: str) -> None:
    with requests.Session() as session:
        session.trust_env = False
        assert session.get(f"http://{host}:{house.port}/", timeout=60).status_code == 200
    assert house.came() == 1


@pytest.mark.parametrize(
    "url", ["http://127.0.0.2/", "http://10.0.0.1/", "http://8.8.8.8/", "https://[::1]/"]
)
def test_what_is_listed_opens_itself_alone(url: str) -> None:
    egress = Egress((ip_network("127.0.0.1/32"),), reach=no_one)

    with pytest.raises(NotAllowed):
        egress.check(url)
    with pytest.raises(NotAllowed):
        egress.send("GET", url)
