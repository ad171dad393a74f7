"""Places: where an address that somebody outside has named leads, and whether we may go there.

An address is taken apart once, strictly, in its ASCII form, and nothing else is asked where a call
goes. Whoever may be called is decided from addresses of the network alone, never from names.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final
from urllib.parse import SplitResult, urlsplit

from requests import PreparedRequest
from requests.exceptions import InvalidURL

from models.kernel.settings import Network
from models.kernel.unanswered import NotAllowed

Address = IPv4Address | IPv6Address

LONGEST_URL: Final = 2_000
USUAL_PORTS: Final = {"http": 80, "https": 443}

_NETLOC: Final = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?", re.IGNORECASE)
_LABEL: Final = re.compile(r"[a-z0-9_-]{1,63}")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LONGEST_NAME: Final = 253
_PLACES_KEPT: Final = 4_096
_LOCAL: Final = ip_address("127.0.0.1")
_UNICAST: Final = ip_network("2000::/3")
"""All of IPv6 that is given to anybody (RFC 4291 §2.4); the rest is no place on the Internet."""
_SPECIAL: Final = tuple(
    ip_network(each)
    for each in (
        "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "192.0.0.0/24", "192.88.99.0/24",
    )
)  # fmt: skip
"""Parts of it that lead elsewhere: protocols with Teredo, documentation, 6to4 (RFC 6890, 9637)."""
_WORDS: Final = (
    "only public addresses are called, and by https; an operator may list others in"
    " ILM_EGRESS_ALLOW"
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call goes: the scheme, the host in ASCII and lower case, and the port."""

    scheme: str
    host: str
    port: int
    address: Address | None = None
    """The address that the host is, when it is no name."""

    @property
    def authority(self) -> str:
        """What the `Host` header says (RFC 9110 §7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == USUAL_PORTS[self.scheme] else f"{host}:{self.port}"


class Gate:
    """Who may be called: the public Internet by https, and the networks an operator has listed."""

    def __init__(self, allowed: Sequence[Network] = ()) -> None:
        """Take the networks of `ILM_EGRESS_ALLOW`; they may be called by http as well."""
        self._allowed = tuple(allowed)

    def check(self, place: Place) -> None:
        """Raise `NotAllowed` for what may not be called, whatever a name means now."""
        if place.address is not None:
            is_refused = self._refuses(place.address, place)
        elif place.host == "localhost" or place.host.endswith(".localhost"):
            is_refused = self._refuses(_LOCAL, place)
        else:
            is_refused = not self._allowed and (place.scheme != "https" or "." not in place.host)
        if is_refused:
            raise NotAllowed(_WORDS)

    def check_addresses(self, addresses: Iterable[Address], place: Place) -> None:
        """Raise `NotAllowed` if any of what a name means may not be called (H-12)."""
        if any(self._refuses(address, place) for address in addresses):
            raise NotAllowed.by_name(_WORDS)

    def _refuses(self, address: Address, place: Place) -> bool:
        plain = _unmapped(address)
        is_listed = any(plain in network for network in self._allowed)
        return not is_listed and (place.scheme != "https" or not is_public(plain))


def is_public(address: Address) -> bool:
    """Say whether an address is somebody's on the Internet, and of no special kind (RFC 6890).

    What carries another address within (NAT64, 6to4, Teredo) is none, wherever it would lead.
    """
    is_given = address.version != _UNICAST.version or address in _UNICAST
    is_special = any(address in each for each in _SPECIAL if each.version == address.version)
    is_odd = address.is_multicast or address.is_reserved
    return address.is_global and is_given and not is_odd and not is_special


@lru_cache(_PLACES_KEPT)
def place_of(url: str) -> Place:
    """Return where a plain address leads; raise `NotAllowed` for any other."""
    parts, port = _parts_of(url)
    host = (parts.hostname or "").removesuffix(".")
    if parts.scheme not in USUAL_PORTS or not _NETLOC.fullmatch(parts.netloc) or port == 0:
        raise NotAllowed("the address must be https:// with a plain host, and a port or none")
    address = _address_of(host)
    if address is None and not _is_name(host):
        raise NotAllowed("the host of the address is none that a name could be")
    return Place(
        parts.scheme,
        str(address or host),
        USUAL_PORTS[parts.scheme] if port is None else port,
        address,
    )


def _parts_of(url: str) -> tuple[SplitResult, int | None]:
    """Return the parts of an address in ASCII, where wide digits and dots are plain ones."""
    if len(url) > LONGEST_URL or not url.isprintable() or " " in url or "\\" in url:
        raise NotAllowed("the address has characters that belong into none, or too many")
    try:
        parts = urlsplit(url if url.isascii() else _in_ascii(url))
        port = parts.port
    except (ValueError, InvalidURL) as error:
        raise NotAllowed("this is no address") from error
    return parts, port


def _in_ascii(url: str) -> str:
    prepared = PreparedRequest()
    prepared.prepare_url(url, None)
    return prepared.url or ""


def _is_name(host: str) -> bool:
    """Say whether a host is a name; who ends in a number is an address oddly written (WHATWG)."""
    labels = host.split(".")
    return (
        len(host) <= _LONGEST_NAME
        and all(map(_LABEL.fullmatch, labels))
        and not _NUMBER.fullmatch(labels[-1])
    )


def _address_of(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _unmapped(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one is (`::ffff:127.0.0.1`)."""
    mapped: IPv4Address | None = getattr(address, "ipv4_mapped", None)
    return mapped or address
