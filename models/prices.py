"""Prices by the id a charge keeps, whatever was charged: so any charge can be recomputed (B-20)."""

from models.embedders import embedder_named
from models.llms import Price, llm_named


def price_named(price_id: str) -> Price | None:
    """Return the price with this id (`<model>@<day>`), None when the catalogue has none."""
    name = price_id.rpartition("@")[0]
    model = llm_named(name) or embedder_named(name)
    return next((p for p in model.prices if p.id == price_id), None) if model else None
