"""Tokens out of the usage that vendors tell, in every shape they tell it (notes of issue 3)."""

from collections.abc import Mapping
from typing import Any

from jobs.llms.provider import Tokens
from workers.adapters.llms.shapes import count, mapping


def chat_tokens(usage: Mapping[str, Any], *, thinks_beside: bool) -> Tokens | None:
    """Read the usage of a Chat answer; None when it is none.

    Thinking is part of `completion_tokens` at most vendors, and beside it where the total says so
    (xAI). Where `thinks_beside`, the total alone tells it (Gemini).
    """
    prompt, completion = count(usage.get("prompt_tokens")), count(usage.get("completion_tokens"))
    if prompt is None or completion is None:
        return None
    total = count(usage.get("total_tokens")) or 0
    details = mapping(usage.get("completion_tokens_details"))
    reasoning = count(details.get("reasoning_tokens")) or 0
    output = completion
    if thinks_beside and total > prompt + completion:
        output = total - prompt
        reasoning = max(reasoning, output - completion)
    elif reasoning and total == prompt + completion + reasoning:
        output = completion + reasoning
    return Tokens(
        input=prompt,
        output=output,
        cached=min(prompt, _cached(usage)),
        reasoning=min(output, reasoning),
    )


def _cached(usage: Mapping[str, Any]) -> int:
    """Return what came from the vendor's cache, where OpenAI or where DeepSeek puts it."""
    details = mapping(usage.get("prompt_tokens_details"))
    told = count(details.get("cached_tokens")), count(usage.get("prompt_cache_hit_tokens"))
    return max(cached or 0 for cached in told)


class MessageUsage:
    """Usage of an Anthropic message: told at its start, and again, cumulative, as it grows."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._told: dict[str, Any] = {}

    def hear(self, usage: Mapping[str, Any]) -> None:
        """Take what is told now; what is left out stays as it was."""
        self._told.update({name: value for name, value in usage.items() if value is not None})

    @property
    def tokens(self) -> Tokens | None:
        """What was used so far; None while the vendor has not said it."""
        fresh, output = count(self._told.get("input_tokens")), self._count("output_tokens")
        if fresh is None or "output_tokens" not in self._told:
            return None
        cached = self._count("cache_read_input_tokens")
        written, written_long = self._written()
        thinking = mapping(self._told.get("output_tokens_details")).get("thinking_tokens")
        return Tokens(
            input=fresh + cached + written + written_long,
            output=output,
            cached=cached,
            written=written,
            written_long=written_long,
            reasoning=min(output, count(thinking) or 0),
        )

    def _written(self) -> tuple[int, int]:
        """Return what went into the cache for minutes, and for an hour.

        With server tools the breakdown is of the first round alone, the total of all of them: the
        rest is laid to the hour where all that is broken down is, and to minutes otherwise.
        """
        total = self._count("cache_creation_input_tokens")
        parts = mapping(self._told.get("cache_creation"))
        minutes = count(parts.get("ephemeral_5m_input_tokens")) or 0
        hour = count(parts.get("ephemeral_1h_input_tokens")) or 0
        rest = max(0, total - minutes - hour)
        return (minutes, hour + rest) if hour and not minutes else (minutes + rest, hour)

    def _count(self, name: str) -> int:
        return count(self._told.get(name)) or 0
