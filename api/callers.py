"""Callers: where a request really comes from, behind the proxies we trust and no others."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from falcon.asgi import Request

from models.kernel.settings import Network

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Caller:
    """The client's address (None when the server does not say), and the scheme it used."""

    address: Address | None
    scheme: str

    @property
    def is_local(self) -> bool:
        """Whether it is this machine itself, with no proxy of ours between."""
        return self.address is not None and self.address.is_loopback


def caller_of(req: Request, proxies: Sequence[Network]) -> Caller:
    """Return the caller; X-Forwarded-* of a peer that is not one of our proxies is ignored."""
    if not hasattr(req.context, "caller"):
        req.context.caller = _found(req, proxies)
    caller: Caller = req.context.caller
    return caller


def is_within(address: Address | None, networks: Sequence[str]) -> bool:
    """Say whether an address is in one of some networks; one that is not told is in none."""
    return address is not None and any(address in ip_network(network) for network in networks)


def _found(req: Request, proxies: Sequence[Network]) -> Caller:
    client = tuple(req.scope.get("client") or ("",))
    req.scope["client"] = client  # a server may give what is read once; batches ask again
    host, *_ = client
    peer = _address(host)
    if peer is None or not _trusted(peer, proxies):
        return Caller(peer, req.scheme)
    scheme = (req.get_header("X-Forwarded-Proto") or req.scheme).rpartition(",")[2].strip().lower()
    return Caller(_behind(req, peer, proxies), scheme)


def _behind(req: Request, peer: Address, proxies: Sequence[Network]) -> Address:
    """Walk X-Forwarded-For from our end to the first address that is no proxy of ours."""
    for text in reversed((req.get_header("X-Forwarded-For") or "").split(",")):
        address = _address(text.strip())
        if address is None:
            return peer
        peer = address
        if not _trusted(address, proxies):
            return address
    return peer


def _trusted(address: Address, proxies: Sequence[Network]) -> bool:
    return any(address in network for network in proxies)


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
