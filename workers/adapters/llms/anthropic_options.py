"""The options of a Chat request as Anthropic's Messages have them: tools, thinking, formats."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from jobs.llms.provider import Request
from models.llms import Vendor
from workers.adapters.llms.shapes import mapping, mappings, mark_of, text

ADAPTIVE: Final = {"type": "adaptive"}

LEAST_BUDGET: Final = 1_024
"""Tokens of thinking that Anthropic takes at the least."""

BUDGETS: Final[Mapping[str, float]] = {
    "minimal": 0.1, "low": 0.2, "medium": 0.5, "high": 0.8, "xhigh": 0.9, "max": 0.95,
}  # fmt: skip
"""How much of the longest answer an effort may think away, where thinking has a budget."""

EFFORTS: Final[Mapping[str, str]] = {"minimal": "low"}

UNKNOWN_THERE: Final = frozenset(
    {"n", "seed", "frequency_penalty", "presence_penalty", "logprobs", "top_logprobs"}
    | {"logit_bias", "store", "stream", "stream_options", "prediction", "modalities", "audio"}
    | {"verbosity", "prompt_cache_key", "prompt_cache_retention", "safety_identifier"}
    | {"max_tokens", "max_completion_tokens", "model", "messages", "system"}
)
"""Options of Chat that Anthropic refuses, and that change nothing an answer has to hold to."""

REFUSED_WITH_THINKING: Final = ("temperature", "top_k", "top_p")

ONE_OBJECT: Final = "Answer with one JSON object, and with nothing before or after it."


def options_of(request: Request, vendor: Vendor) -> tuple[dict[str, Any], str]:
    """Return the options, and what is better said as an instruction (empty for nothing)."""
    given = {name: value for name, value in request.options.items() if value is not None}
    options: dict[str, Any] = {}
    instruction = _format(given.pop("response_format", None), options)
    _tools(given, options)
    _person(given, options)
    if stop := given.pop("stop", None):
        options["stop_sequences"] = [stop] if isinstance(stop, str) else list(stop)
    if isinstance(warmth := given.pop("temperature", None), int | float):
        options["temperature"] = min(warmth, 1)
    wish = _wish(given)
    passed = {name: value for name, value in given.items() if name not in UNKNOWN_THERE}
    options |= passed
    if wish and "thinking" not in options:
        _think(wish, request, vendor, options)
    return options, instruction


def _format(wanted: Any, options: dict[str, Any]) -> str:
    kind = mapping(wanted).get("type")
    if kind == "json_schema":
        schema = mapping(mapping(wanted).get("json_schema")).get("schema")
        options["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
    return ONE_OBJECT if kind == "json_object" else ""


def _tools(given: dict[str, Any], options: dict[str, Any]) -> None:
    if tools := mappings(given.pop("tools", None)):
        options["tools"] = [_tool(tool) for tool in tools]
    choice, parallel = given.pop("tool_choice", None), given.pop("parallel_tool_calls", None)
    if not tools:
        return
    if choice is not None or parallel is False:
        options["tool_choice"] = _choice(choice)
    if parallel is False and options["tool_choice"].get("type") != "none":
        options["tool_choice"]["disable_parallel_tool_use"] = True


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """Return a function as a tool; what is no function is the vendor's own, and goes through."""
    function = mapping(tool.get("function"))
    if not function:
        return dict(tool)
    kept = ("name", "description", "strict")
    return {
        **{name: function[name] for name in kept if function.get(name) is not None},
        "input_schema": function.get("parameters") or {"type": "object", "properties": {}},
        **mark_of(tool),
    }


def _choice(choice: Any) -> dict[str, Any]:
    if isinstance(choice, Mapping):
        name = mapping(choice.get("function")).get("name")
        return {"type": "tool", "name": name} if name else dict(choice)
    kinds = {"required": "any", "none": "none"}
    return {"type": kinds.get(text(choice), "auto")}


def _person(given: dict[str, Any], options: dict[str, Any]) -> None:
    """Name the end user, the one thing Anthropic's metadata may hold."""
    user, metadata = given.pop("user", None), mapping(given.pop("metadata", None))
    if named := user or metadata.get("user_id"):
        options["metadata"] = {"user_id": named}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """A wish to think: with some effort (empty for the LLM's own), and as adaptive thinking is."""

    effort: str
    adaptive: Mapping[str, Any]


def _wish(given: dict[str, Any]) -> _Wish | None:
    """Take out the wish to think, None where there is none: not every LLM's thinking adapts."""
    effort, adaptive = text(given.pop("reasoning_effort", None)), mapping(given.get("thinking"))
    if adaptive.get("type") == ADAPTIVE["type"]:
        del given["thinking"]
        return _Wish(effort=effort, adaptive=adaptive)
    return _Wish(effort=effort, adaptive=ADAPTIVE) if effort else None


def _think(wish: _Wish, request: Request, vendor: Vendor, options: dict[str, Any]) -> None:
    """Ask for thinking as the LLM takes it: by effort, by a budget, or not at all.

    After a tool's result there is none: it would have to go on from thinking we do not have.
    """
    is_after_a_tool = bool(request.messages) and request.messages[-1].get("role") == "tool"
    if wish.effort == "none" or is_after_a_tool or _is(request.llm, vendor, "never_thinks"):
        return
    if not _is(request.llm, vendor, "thinks_by_budget"):
        options["thinking"] = dict(wish.adaptive)
        if wish.effort:
            config = options.setdefault("output_config", {})
            config["effort"] = EFFORTS.get(wish.effort, wish.effort)
    else:
        budget = max(LEAST_BUDGET, int(request.max_tokens * BUDGETS.get(wish.effort, 0.5)))
        if budget >= request.max_tokens:
            return
        options["thinking"] = {"type": "enabled", "budget_tokens": budget}
    for odd in REFUSED_WITH_THINKING:
        options.pop(odd, None)


def _is(llm: str, vendor: Vendor, quirk: str) -> bool:
    """Say whether an LLM is one of those a quirk lists, by the beginning of its name."""
    return llm.startswith(tuple(vendor.quirks.get(quirk, ())))
