"""Rules: which windows a request counts in, by who calls and what for (L-01 to L-03, L-11).

What an administrator has set wins over the catalogue; the nearest thing wins over the wider one: a
person's own limit over their tier's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Final
from uuid import UUID

from jobs.limits.windows import Window
from models.limits import Catalogued, TierLimits

USER: Final = "user"
USER_AI: Final = "user-ai"
KEY: Final = "key"
TIER: Final = "tier"
TIER_AI: Final = "tier-ai"
ROUTE: Final = "route"
ADDRESS: Final = "address"
ANONYMOUS: Final = "anonymous"
GLOBAL: Final = "global"
GUESSES: Final = "guesses"

EVERY_ADDRESS: Final = "each"
EVERYBODY: Final = "all"
USUAL_TIER: Final = "free"

Overrides = Mapping[tuple[str, str], int]
"""What administrators have set: requests a minute, by kind and subject."""

_SHARED_BITS: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What the limits know of a route: `name` is what no other route is called."""

    name: str
    asks_llm: bool = False
    is_guess: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Somebody whose credential holds. `key_limit` is what their API key was made with."""

    user_id: UUID
    tier: str
    key_id: UUID | None = None
    key_limit: int | None = None


class Rules:
    """The catalogue's limits and those set over them, as one."""

    def __init__(self, catalogued: Catalogued, overrides: Overrides) -> None:
        """Take both."""
        self._catalogued = catalogued
        self._overrides = overrides

    def for_address(self, route: Route, address: str, factor: float) -> tuple[Window, ...]:
        """Return the windows of whoever calls without a credential that holds."""
        usual = self._catalogued.anonymous
        limit = self._overrides.get((ANONYMOUS, EVERY_ADDRESS), usual)
        own = Window(ANONYMOUS, address, _eased(limit, factor))
        on_route = self._on_route(route, address, factor)
        return (own, *on_route, self.flood(address), self._everybody())

    def for_known(
        self, who: Known, route: Route, address: str, factor: float
    ) -> tuple[Window, ...]:
        """Return the windows of a request by somebody we know."""
        subject = who.user_id.hex
        if route.asks_llm:
            windows = [self.for_question(who, factor)]
        else:
            windows = [Window(USER, subject, _eased(self._user(who, subject), factor))]
        if who.key_id is not None:
            limit = self._overrides.get((KEY, who.key_id.hex), who.key_limit)
            if limit is not None:
                windows.append(Window(KEY, who.key_id.hex, _eased(limit, factor)))
        on_route = self._on_route(route, subject, factor)
        return (*windows, *on_route, self.flood(address), self._everybody())

    def for_question(self, who: Known, factor: float) -> Window:
        """Return the window of the requests by which somebody asks LLMs."""
        subject = who.user_id.hex
        return Window(USER_AI, subject, _eased(self._ai(who, subject), factor))

    def flood(self, address: str) -> Window:
        """Return the window of everybody at one address."""
        usual = self._catalogued.address
        return Window(ADDRESS, address, self._overrides.get((ADDRESS, EVERY_ADDRESS), usual))

    def guesses(self, address: str) -> Window:
        """Return the window of the guesses of one address."""
        return Window(GUESSES, address, self._catalogued.guessing)

    def _on_route(self, route: Route, subject: str, factor: float) -> tuple[Window, ...]:
        """Return the window of one caller on one route, if a limit is set for it."""
        limit = self._overrides.get((ROUTE, route.name))
        if limit is None:
            return ()
        return (Window(ROUTE, f"{route.name}:{subject}", _eased(limit, factor)),)

    def _everybody(self) -> Window:
        usual = self._catalogued.everybody
        return Window(GLOBAL, EVERYBODY, self._overrides.get((GLOBAL, EVERYBODY), usual))

    def _user(self, who: Known, subject: str) -> int:
        of_tier = self._overrides.get((TIER, who.tier), self._tier(who).user)
        return self._overrides.get((USER, subject), of_tier)

    def _ai(self, who: Known, subject: str) -> int:
        of_tier = self._overrides.get((TIER_AI, who.tier), self._tier(who).ai)
        return self._overrides.get((USER_AI, subject), of_tier)

    def _tier(self, who: Known) -> TierLimits:
        tiers = self._catalogued.tiers
        return tiers.get(who.tier, tiers[USUAL_TIER])


def subject_of(address: IPv4Address | IPv6Address | None) -> str:
    """Return what an address counts as: an IPv6 network of 64 bits is one caller."""
    if address is None:
        return "unknown"
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _SHARED_BITS), strict=False).network_address)
    return str(address)


def _eased(limit: int, factor: float) -> int:
    return limit if factor == 1 else max(1, int(limit * factor))
