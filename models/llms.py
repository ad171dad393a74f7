"""LLMs as data: who runs them, what they can do, and what they cost (M-31, X-19, X-20).

Prices are listed per million tokens, as decimal strings, with the day they are good from; here
they are integers of pico-USD per token. An LLM without a price cannot be called: unknown is
refused, never free.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Any, Final, Self

from models.catalogue.reader import read
from models.kernel.errors import ModelNotFound
from models.kernel.settings import Settings

PICO_PER_TOKEN: Final = 1_000_000
"""Pico-USD per token of an LLM at one USD per million tokens."""

FREE: Final = "free"
PREMIUM: Final = "premium"

TOOLS: Final = "tools"
VISION: Final = "vision"
JSON: Final = "json"
REASONING: Final = "reasoning"
ABILITIES: Final = frozenset({TOOLS, VISION, JSON, REASONING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """Who runs LLMs. `key` and `base_url` name settings; `quirks` are the adapter's to read."""

    name: str
    title: str
    wire: str
    key: str = ""
    base_url: str = ""
    address: str = ""
    quirks: Mapping[str, Any] = field(default_factory=dict)

    def is_served(self, settings: Settings) -> bool:
        """Say whether this installation can call the vendor: it has its key, or needs none."""
        if self.key and not getattr(settings, self.key):
            return False
        return self.wire == "ilm" or bool(self.address_by(settings))

    def address_by(self, settings: Settings) -> str:
        """Return where the vendor is: the setting, or its usual place."""
        set_to: str = getattr(settings, self.base_url) if self.base_url else ""
        return set_to or self.address


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What tokens cost from a day on, in pico-USD each. `id` is kept with every charge.

    Where a prompt of more than `above` tokens is dearer, `long` is its price, and has the same id.
    """

    id: str
    valid_from: date
    input: int
    output: int
    cached: int
    written: int
    written_long: int
    above: int = 0
    long: Self | None = None

    def of(self, prompt: int) -> Self:
        """Return the price of a whole call, its answer too, by the tokens of its prompt."""
        return self if self.long is None or prompt <= self.above else self.long

    @property
    def is_free(self) -> bool:
        """Whether it costs nothing."""
        return not (self.input or self.output)


@dataclass(frozen=True, slots=True, kw_only=True)
class Llm:
    """One language model. `served_as` is its vendor's name for it; `window` counts tokens."""

    name: str
    title: str
    vendor: str
    served_as: str
    window: int
    max_output: int
    tier: str
    abilities: frozenset[str]
    prices: tuple[Price, ...]
    deprecated: bool = False
    successor: str | None = None

    @property
    def is_premium(self) -> bool:
        """Whether it is for paying tiers alone (M-33)."""
        return self.tier == PREMIUM

    @property
    def usual_window(self) -> int:
        """How many tokens a prompt may have before any price takes it for a long one."""
        return min((price.above for price in self.prices if price.long), default=self.window)

    def price_on(self, day: date) -> Price:
        """Return the price of a day; raise `ModelNotFound` when none is known for it."""
        known = [price for price in self.prices if price.valid_from <= day]
        if not known:
            raise ModelNotFound(f"no price of {self.name} is known, so it cannot be called")
        return known[-1]


@cache
def vendors() -> Mapping[str, Vendor]:
    """Return every vendor by name."""
    found = {name: Vendor(name=name, **entry) for name, entry in read("vendors").items()}
    return MappingProxyType(found)


@cache
def llms() -> Mapping[str, Llm]:
    """Return every LLM by name."""
    found = {name: _llm(name, entry) for name, entry in read("llms").items()}
    return MappingProxyType(found)


def llm_named(name: str) -> Llm | None:
    """Return the LLM of this name, None when there is none."""
    return llms().get(name)


def _llm(name: str, entry: Mapping[str, Any]) -> Llm:
    fields = {key: value for key, value in entry.items() if key not in {"prices", "abilities"}}
    return Llm(
        name=name,
        served_as=fields.pop("served_as", name),
        abilities=frozenset(entry["abilities"]),
        prices=tuple(sorted((_price(name, p) for p in entry["prices"]), key=_day)),
        **fields,
    )


def _price(llm: str, entry: Mapping[str, Any]) -> Price:
    """Read a price, and that of a long prompt; a cache that is not priced apart costs as input."""
    price = _rates(llm, entry["valid_from"], entry)
    if "long" not in entry:
        return price
    long = _rates(llm, entry["valid_from"], entry["long"])
    return replace(price, above=entry["long"]["above"], long=long)


def _rates(llm: str, day: date, rates: Mapping[str, Any]) -> Price:
    usual = rates["input"]
    return Price(
        id=f"{llm}@{day.isoformat()}",
        valid_from=day,
        input=pico_of(usual),
        output=pico_of(rates["output"]),
        cached=pico_of(rates.get("cached", usual)),
        written=pico_of(rates.get("written", usual)),
        written_long=pico_of(rates.get("written_long", usual)),
    )


def _day(price: Price) -> date:
    return price.valid_from


def pico_of(usd_per_million: str) -> int:
    """Return pico-USD per token; raise `ValueError` for what is no whole number of them."""
    pico = Decimal(usd_per_million) * PICO_PER_TOKEN
    if pico != pico.to_integral_value() or pico < 0:
        raise ValueError(f"{usd_per_million} USD per million is no whole number of pico-USD")
    return int(pico)
