"""From where requests may come (A-25): a rule that denies wins over one that allows.

Where any rule of a scope allows, what none allows is refused; `admin` counts for the routes of
administrators beside `global`. Each process holds the rules in its memory and reads them again
every two seconds on a thread of its own: no request asks the database, all processes agree within
five seconds, and while PostgreSQL is away the last rules known hold.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address, ip_network
from threading import Event, Lock, Thread
from typing import Any, Final, Self
from uuid import UUID

from peewee import DatabaseError, InterfaceError

from jobs.attempts import network_of
from jobs.audit import Actor, Deed, note
from models.addresses import ADMIN, ALLOW, DENY, GLOBAL, IpRule, Told
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.errors import Conflict, Forbidden, NotFound
from models.kernel.logs import get_logger
from models.kernel.measures import ADDRESSES_REFUSED

MOST_RULES: Final = 1_000
READ_SECONDS: Final = 2.0
FIRST_SECONDS: Final = 2.0
STOP_SECONDS: Final = 5.0

_GUARD: Final = f"select pg_advisory_xact_lock({0x494C50})"
_MAPPED_BITS: Final = 96

Address = IPv4Address | IPv6Address

log = get_logger(__name__)


class Networks:
    """Some networks, asked about in as many steps as they have lengths."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Take them in CIDR notation."""
        self._heads: dict[tuple[int, int], set[int]] = {}
        for network in map(ip_network, texts):
            shift = network.max_prefixlen - network.prefixlen
            heads = self._heads.setdefault((network.version, shift), set())
            heads.add(int(network.network_address) >> shift)

    def __bool__(self) -> bool:
        """Say whether there are any."""
        return bool(self._heads)

    def has(self, address: Address | None) -> bool:
        """Say whether an address is in one of them; one that is not told is in none."""
        return address is not None and any(
            version == address.version and int(address) >> shift in heads
            for (version, shift), heads in self._heads.items()
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one moment, by scope and action."""

    networks: dict[tuple[str, str], Networks]

    @classmethod
    def of(cls, told: Iterable[Told], now: datetime) -> Self:
        """Return the rules that have not expired."""
        texts: dict[tuple[str, str], list[str]] = {}
        for rule in told:
            if rule.expires_at is None or rule.expires_at > now:
                texts.setdefault((rule.scope, rule.action), []).append(rule.network)
        return cls({place: Networks(found) for place, found in texts.items()})

    def refuse(self, scope: str, address: Address | None) -> bool:
        """Say whether a scope is closed to an address."""
        allowed, denied = (self.networks.get((scope, action)) for action in (ALLOW, DENY))
        is_denied = denied is not None and denied.has(address)
        return is_denied or (allowed is not None and not allowed.has(address))


class Addresses:
    """The rules as one process knows them."""

    def __init__(self, clock: Clock) -> None:
        """Know no rule yet."""
        self._clock = clock
        self._told: tuple[Told, ...] = ()
        self._rules = Rules({})
        self._reading = Lock()
        self._has_read = Event()
        self._stop = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Read the rules from now on; return when they were read, or after two seconds."""
        self._thread = Thread(target=self._go_on, name="addresses", daemon=True)
        self._thread.start()
        self._has_read.wait(FIRST_SECONDS)

    def stop(self) -> None:
        """Read no more."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)

    def refresh(self) -> None:
        """Read the rules once; without the database, those known hold until each expires.

        One reads at a time: what was read earlier never takes the place of what was read later.
        """
        with self._reading:
            try:
                self._told = Told.everything(database.obj)
            except (DatabaseError, InterfaceError) as error:
                log.debug("addresses.unread", error=type(error).__name__)
            self._rules = Rules.of(self._told, self._clock.now())

    def admit(self, address: Address | None, *, is_admin: bool) -> None:
        """Let a request in; raise `Forbidden`, counted and logged, for one from elsewhere."""
        for scope in (GLOBAL, ADMIN) if is_admin else (GLOBAL,):
            if self._rules.refuse(scope, address):
                ADDRESSES_REFUSED.add(scope)
                log.warning("address.refused", scope=scope, network=network_of(str(address)))
                raise Forbidden("requests from this address are not taken")

    def _go_on(self) -> None:
        pool = database.obj
        while True:
            self.refresh()
            self._has_read.set()
            if not pool.is_closed():
                pool.close()
            if self._stop.wait(READ_SECONDS):
                return


def kept_network(text: str) -> str:
    """Spell a network as it is kept: one of IPv4 inside IPv6 is that of IPv4."""
    network = ip_network(text)
    inner = getattr(network.network_address, "ipv4_mapped", None)
    if inner is None or network.prefixlen < _MAPPED_BITS:
        return str(network)
    return f"{inner}/{network.prefixlen - _MAPPED_BITS}"


def make_rule(wish: dict[str, Any], address: Address | None, actor: Actor, clock: Clock) -> IpRule:
    """Make a rule of a `scope`, an `action`, a `network`, a `note` and `expires_at`.

    Raises `Conflict` for one that would shut its maker's address out, or one too many.
    """
    with database.unit():
        database.rows(_GUARD)
        others = list(IpRule.newest_first())
        if len(others) >= MOST_RULES:
            raise Conflict(f"there are {MOST_RULES} rules already: delete some first")
        network = kept_network(wish["network"])
        kept = {**wish, "network": network, "created_by": actor.person_id}
        rule = IpRule(**kept, created_at=clock.now())
        _refuse_own_goal([*others, rule], address, clock)
        rule.save(force_insert=True)
        note(Deed(action="ip_rule.created", details=_details(rule)), actor, clock)
    return rule


def drop_rule(rule_id: UUID, address: Address | None, actor: Actor, clock: Clock) -> None:
    """Delete a rule; raise `NotFound`, or `Conflict` if that would shut its deleter out."""
    with database.unit():
        database.rows(_GUARD)
        rules = list(IpRule.newest_first())
        rule = next((each for each in rules if each.id == rule_id), None)
        if rule is None:
            raise NotFound("there is no such rule")
        _refuse_own_goal([each for each in rules if each is not rule], address, clock)
        rule.delete_instance()
        note(Deed(action="ip_rule.deleted", details=_details(rule)), actor, clock)


def _refuse_own_goal(rules: Iterable[IpRule], address: Address | None, clock: Clock) -> None:
    then = Rules.of((rule.told for rule in rules), clock.now())
    if any(then.refuse(scope, address) for scope in (GLOBAL, ADMIN)):
        raise Conflict("this would shut you out: let your own address in first")


def _details(rule: IpRule) -> dict[str, str]:
    return {name: str(getattr(rule, name)) for name in ("scope", "action", "network", "note")}
