"""LLMs as OpenAI and as Anthropic list them."""

from collections.abc import Iterable
from datetime import UTC, datetime, time
from typing import Any

from jobs.wires.lists import anthropic_list, openai_list
from models.llms import Llm

Offered = tuple[Llm, bool]
"""An LLM, and whether the caller may use it."""


def openai_models(offered: Iterable[Offered]) -> dict[str, Any]:
    """Write a list of LLMs as OpenAI does."""
    return openai_list([openai_model(llm, accessible=may) for llm, may in offered])


def openai_model(llm: Llm, *, accessible: bool) -> dict[str, Any]:
    """Write one LLM as OpenAI does."""
    return {
        "id": llm.name,
        "object": "model",
        "created": int(_since(llm).timestamp()),
        "owned_by": llm.vendor,
        "x_ilm": {"accessible": accessible},
    }


def anthropic_models(offered: Iterable[Offered]) -> dict[str, Any]:
    """Write a list of LLMs as Anthropic does."""
    return anthropic_list([anthropic_model(llm, accessible=may) for llm, may in offered])


def anthropic_model(llm: Llm, *, accessible: bool) -> dict[str, Any]:
    """Write one LLM as Anthropic does."""
    return {
        "type": "model",
        "id": llm.name,
        "display_name": llm.title,
        "created_at": f"{_since(llm):%Y-%m-%dT%H:%M:%SZ}",
        "lifecycle": "deprecated" if llm.deprecated else "active",
        "max_input_tokens": llm.window,
        "max_tokens": llm.max_output,
        "x_ilm": {"accessible": accessible},
    }


def _since(llm: Llm) -> datetime:
    """Return since when an LLM is known: the day of its first price."""
    return datetime.combine(llm.prices[0].valid_from, time.min, tzinfo=UTC)
