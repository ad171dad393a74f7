"""Providers: where people sign in, seen from here (A-16)."""

from dataclasses import dataclass
from typing import Protocol

from jobs.issuers.newcomers import Outsider, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """Somebody's way to a provider and back. `verifier` is PKCE's, and stays with us."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Who we are at a provider. `url` is its issuer or address; `name` is in ours."""

    name: str
    title: str
    url: str
    client_id: str
    secret: str


class Provider(Protocol):
    """Where people sign in."""

    client: Client

    @property
    def source(self) -> Source:
        """Whose word it is, and how far it goes."""
        ...

    def address(self, trip: Trip) -> str:
        """Return where to send somebody; raise `Unavailable` when nobody can tell now."""
        ...

    def whom(self, code: str, issuer: str, trip: Trip) -> Outsider:
        """Return who came back with a code, and with `iss` (RFC 9207) if there was any.

        Raises `Unauthorized`, and `Unavailable` when the provider does not answer.
        """
        ...


def source_of(client: Client) -> Source:
    """Return a provider as a source: it makes people and links them, and gives no role."""
    return Source(key=client.url, url=client.url, provisions=True, links=True)
