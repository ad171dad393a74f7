"""LLMs as data: who runs them, and what they cost (M-31). Prices are pico-USD per token."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from models.catalogue.reader import read


@dataclass(frozen=True, slots=True)
class Llm:
    """One language model."""

    name: str
    title: str
    vendor: str
    window: int
    price_id: str
    input_pico: int
    output_pico: int

    @property
    def is_free(self) -> bool:
        """Whether calling it costs nothing."""
        return self.input_pico == 0 and self.output_pico == 0


@cache
def llms() -> dict[str, Llm]:
    """Return every LLM by name."""
    return {name: _llm(name, entry) for name, entry in read("llms").items()}


def llm_named(name: str) -> Llm | None:
    """Return the LLM of this name, None when there is none."""
    return llms().get(name)


def _llm(name: str, entry: dict[str, Any]) -> Llm:
    return Llm(name=name, **entry)
