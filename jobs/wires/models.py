"""Models as OpenAI and as Anthropic list them: LLMs, and in OpenAI's lists embedders too."""

from collections.abc import Iterable
from datetime import UTC, datetime, time
from typing import Any

from jobs.wires.lists import anthropic_list, openai_list
from models.embedders import EmbedderModel
from models.llms import Llm

Offered = tuple[Llm | EmbedderModel, bool]
"""A model, and whether the caller may use it."""


def openai_models(offered: Iterable[Offered]) -> dict[str, Any]:
    """Write a list of models as OpenAI does."""
    return openai_list([openai_model(model, accessible=may) for model, may in offered])


def openai_model(model: Llm | EmbedderModel, *, accessible: bool) -> dict[str, Any]:
    """Write one model as OpenAI does; `x_ilm.kind` tells what it is for."""
    kind = "embedder" if isinstance(model, EmbedderModel) else "llm"
    return {
        "id": model.name,
        "object": "model",
        "created": int(_since(model).timestamp()),
        "owned_by": model.vendor,
        "x_ilm": {"accessible": accessible, "kind": kind},
    }


def anthropic_models(offered: Iterable[tuple[Llm, bool]]) -> dict[str, Any]:
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


def _since(model: Llm | EmbedderModel) -> datetime:
    """Return since when a model is known: the day of its first price."""
    return datetime.combine(model.prices[0].valid_from, time.min, tzinfo=UTC)
