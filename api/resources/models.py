"""The LLMs there are, what they cost, and which of them the caller may use."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final

from falcon.asgi import Request, Response

from api.principals import Principal
from api.schemas.models import ModelSchema
from models.embedders import EmbedderModel, embedders
from models.kernel.clock import Clock
from models.kernel.money import MARKUP_DENOMINATOR, MARKUP_NUMERATOR
from models.kernel.settings import Settings
from models.llms import FREE, PICO_PER_TOKEN, Llm, Price, llms, vendors

MOST_LISTS: Final = 16
"""Kept in memory: one a tier and mode, of today and yesterday."""
MARKUP_PERCENT: Final = 100 * MARKUP_NUMERATOR // MARKUP_DENOMINATOR - 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An LLM as one caller sees it on one day; costs are decimals of USD per million tokens."""

    llm: Llm
    price: Price
    accessible: bool
    markup_percent: int = MARKUP_PERCENT

    @property
    def fields(self) -> dict[str, object]:
        """The fields of the wire's shape."""
        llm, price = self.llm, self.price
        return {
            "id": llm.name,
            "name": llm.title,
            "vendor": llm.vendor,
            "max_tokens": llm.max_output,
            "context_window": llm.window,
            **_costs(price),
            "long_prompt": {"above": price.above, **_costs(price.long)} if price.long else None,
            "price_id": price.id,
            "markup_percent": self.markup_percent,
            "premium": llm.is_premium,
            "accessible": self.accessible,
            "abilities": sorted(llm.abilities),
            "deprecated": llm.deprecated,
            "successor": llm.successor,
        }


class Models:
    """The LLMs of this installation (M-32)."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        """Take the settings, which say whose vendors are served, and the time, for prices."""
        self._settings = settings
        self._clock = clock
        self._listed = lru_cache(MOST_LISTS)(self._list)

    def on_get(self, req: Request, resp: Response) -> None:
        """List every LLM, in the catalogue's order."""
        principal: Principal = req.context.principal
        resp.text = self._listed(principal.tier, principal.mode, self._clock.now().date())

    def _list(self, tier: str, mode: str, day: date) -> str:
        listed = seen_by(tier, mode, self._settings, day)
        return json.dumps({"data": ModelSchema(many=True).dump([each.fields for each in listed])})


def seen_by(tier: str, mode: str, settings: Settings, day: date) -> Iterator[Listed]:
    """Yield every LLM as a caller of a tier sees it (M-33).

    With a test key the sandbox answers under every name, so all of them are accessible.
    """
    served = {name for name, vendor in vendors().items() if vendor.is_served(settings)}
    for llm in llms().values():
        is_allowed = tier != FREE or not llm.is_premium
        is_accessible = mode == "test" or (is_allowed and llm.vendor in served)
        yield Listed(llm=llm, price=llm.price_on(day), accessible=is_accessible)


def embedders_seen_by(
    principal: Principal, settings: Settings
) -> Iterator[tuple[EmbedderModel, bool]]:
    """Yield every embedder, and whether the caller may use it: no tier keeps one for itself."""
    served = {name for name, vendor in vendors().items() if vendor.is_served(settings)}
    for embedder in embedders().values():
        yield embedder, principal.mode == "test" or embedder.vendor in served


def _costs(price: Price) -> dict[str, Decimal]:
    return {
        "input_cost": _usd(price.input),
        "output_cost": _usd(price.output),
        "cached_input_cost": _usd(price.cached),
    }


def _usd(pico: int) -> Decimal:
    """Return USD per million tokens; a JSON number reads as the same decimal."""
    return Decimal(pico) / PICO_PER_TOKEN
