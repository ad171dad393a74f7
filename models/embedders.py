"""Models that make vectors of texts, as data: who runs them, how long a vector is, what it costs.

Only reading costs: there is no output. An embedder without a price cannot be called (X-19).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from models.catalogue.reader import read
from models.kernel.errors import ModelNotFound
from models.llms import Price, pico_of


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedderModel:
    """One model. `window` counts the tokens of one text, `dimensions` the length of a vector."""

    name: str
    title: str
    vendor: str
    served_as: str
    window: int
    dimensions: int
    prices: tuple[Price, ...]
    shortens: bool = False
    """Whether fewer dimensions may be asked for."""

    def price_on(self, day: date) -> Price:
        """Return the price of a day; raise `ModelNotFound` when none is known for it."""
        known = [price for price in self.prices if price.valid_from <= day]
        if not known:
            raise ModelNotFound(f"no price of {self.name} is known, so it cannot be called")
        return known[-1]


@cache
def embedders() -> Mapping[str, EmbedderModel]:
    """Return every embedder by name."""
    found = {name: _embedder(name, entry) for name, entry in read("embedders").items()}
    return MappingProxyType(found)


def embedder_named(name: str) -> EmbedderModel | None:
    """Return the embedder of this name, None when there is none."""
    return embedders().get(name)


def _embedder(name: str, entry: Mapping[str, Any]) -> EmbedderModel:
    fields = {key: value for key, value in entry.items() if key != "prices"}
    prices = (_price(name, price) for price in entry["prices"])
    return EmbedderModel(
        name=name,
        served_as=fields.pop("served_as", name),
        prices=tuple(sorted(prices, key=attrgetter("valid_from"))),
        **fields,
    )


def _price(name: str, entry: Mapping[str, Any]) -> Price:
    pico = pico_of(entry["input"])
    return Price(
        id=f"{name}@{entry['valid_from'].isoformat()}",
        valid_from=entry["valid_from"],
        input=pico,
        output=0,
        cached=pico,
        written=pico,
        written_long=pico,
    )
