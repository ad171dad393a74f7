"""The router: decides, and only decides, which LLMs are asked and in which order (M-34 – M-36).

A named LLM comes first, then what may stand in for it: its successor, its siblings at the same
vendor, the chain of the caller's preference. `auto` takes the first from the matrix of tasks. What
this caller may not use, nobody here runs, lacks an ability or a window wide enough is left out.
Whether an LLM is well just now is for the breakers, when the plan is carried out.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from jobs.llms.ask import Ask
from jobs.llms.counting import least_tokens
from jobs.llms.provider import text_of
from jobs.llms.tasks import task_of
from models.catalogue.reader import read
from models.kernel.errors import ContextTooLong, Forbidden, ModelNotAvailable, ModelNotFound
from models.kernel.money import EXACT
from models.llms import FREE, JSON, TOOLS, VISION, Llm, llm_named

AUTO: Final = "auto"
SANDBOX_VENDOR: Final = "ilm"
TEST: Final = "test"
BALANCED: Final = "balanced"
MOST_STEPS: Final = 6
OF_A_VENDOR: Final = 2
"""How many of a preferred vendor are asked before others stand in."""
DEFAULT_MAX_TOKENS: Final = {"free": 1_024, "premium": 4_096}
"""Room for an answer whose caller named none; enterprise has the LLM's own (CONTRACT §5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """On whose behalf a plan is made. `served` are the vendors this installation can call."""

    tier: str
    mode: str
    served: frozenset[str]
    today: date
    preferred: str | None = None
    vendor: str | None = None
    priority: str = BALANCED
    own_key: bool = False
    rounding: str = EXACT

    @property
    def pays(self) -> bool:
        """Whether premium LLMs are open to this caller; an own key opens them too."""
        return self.tier != FREE or self.own_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One LLM of a plan, and who runs it. `llm` is the name the caller sees."""

    llm: str
    vendor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Whom to ask, in order; what for; how the first was chosen; how long an answer may be."""

    steps: tuple[Step, ...]
    task: str
    reason: str
    max_tokens: int
    left_out: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Need:
    """What an LLM must be able to do for a question."""

    abilities: frozenset[str]
    prompt: int
    answer: int | None


def plan(ask: Ask, caller: Caller) -> Plan:
    """Return whom to ask.

    Raises `ModelNotFound` for an unknown name, `Forbidden` for one this tier may not use,
    `ContextTooLong` when no window is wide enough, `ModelNotAvailable` when nobody is left.
    """
    question = next((text_of(m) for m in reversed(ask.messages) if m.get("role") == "user"), "")
    task = task_of(question)
    need = _Need(abilities_of(ask), least_tokens(ask.messages, ask.options), ask.max_tokens)
    if caller.mode == TEST:
        return _sandboxed(ask, task)
    names, reason = _names(ask, caller, task)
    left_out: dict[str, str] = {}
    steps: list[Step] = []
    for llm in _known(names):
        why = _unfit(llm, caller, need)
        if why:
            left_out[llm.name] = why
        elif len(steps) < MOST_STEPS:
            steps.append(Step(llm=llm.name, vendor=llm.vendor))
    if not steps:
        raise _nobody(names[0], left_out)
    room = max_tokens_for(ask, caller.tier, steps[0].llm)
    return Plan(steps=tuple(steps), task=task, reason=reason, max_tokens=room, left_out=left_out)


def abilities_of(ask: Ask) -> frozenset[str]:
    """Return what a question asks an LLM to be able to do."""
    form: Any = ask.options.get("response_format")
    wanted = {
        TOOLS: bool(ask.options.get("tools")),
        JSON: isinstance(form, dict) and form.get("type") in {"json_object", "json_schema"},
        VISION: any(
            isinstance(part, dict) and part.get("type") == "image_url"
            for message in ask.messages
            for part in (message.get("content") or ())
        ),
    }
    return frozenset(ability for ability, is_wanted in wanted.items() if is_wanted)


def max_tokens_for(ask: Ask, tier: str, name: str) -> int:
    """Return how long an answer may be: what was asked, else the tier's room, at most the LLM's."""
    llm = llm_named(name)
    longest = llm.max_output if llm else DEFAULT_MAX_TOKENS["premium"]
    return min(ask.max_tokens or DEFAULT_MAX_TOKENS.get(tier, longest), longest)


def default_llm(caller: Caller, *, is_public_book: bool = False) -> str:
    """Return who answers when nobody is named: the preferred one, the catalogue's, the sandbox."""
    defaults: dict[str, str] = read("routing")["defaults"]
    usual = defaults["public_book" if is_public_book else "private_book"]
    liked = [] if is_public_book else _liked(caller)
    for llm in _known([*liked, usual]):
        if not _unfit(llm, caller, _Need(frozenset(), 0, None)):
            return llm.name
    return defaults["sandbox"] if caller.served <= {SANDBOX_VENDOR} else usual


def _sandboxed(ask: Ask, task: str) -> Plan:
    """Let the sandbox answer under any known name: nothing costs, nothing leaves (CONTRACT §5)."""
    sandbox: str = read("routing")["defaults"]["sandbox"]
    name = sandbox if ask.model == AUTO else ask.model
    if llm_named(name) is None:
        raise ModelNotFound(f"there is no LLM called {name}")
    step = Step(llm=name, vendor=SANDBOX_VENDOR)
    return Plan(
        steps=(step,), task=task, reason="sandbox", max_tokens=max_tokens_for(ask, FREE, sandbox)
    )


def _names(ask: Ask, caller: Caller, task: str) -> tuple[list[str], str]:
    """Return the candidates in order, and how the first was chosen."""
    routing = read("routing")
    chain = routing["chains"][routing["preferences"].get(caller.priority, "usual")]
    if ask.model != AUTO:
        first = _named(ask.model, caller)
        rest = [*_siblings(first), *chain] if ask.falls_back and not _is_free(first) else []
        return [first.name, *rest], "named"
    if caller.served <= {SANDBOX_VENDOR}:
        return [routing["defaults"]["sandbox"]], "nobody else"
    if liked := _liked(caller):
        return [*liked, *chain], "preferred"
    if caller.priority != BALANCED:
        return list(chain), caller.priority
    column = "premium" if caller.pays else FREE
    return [routing["tasks"][task][column], *chain], "task"


def _liked(caller: Caller) -> list[str]:
    """Return whom a caller prefers: one by name, and a vendor's first (A-31)."""
    by_name = [caller.preferred] if caller.preferred else []
    by_vendor: list[str] = read("routing")["siblings"].get(caller.vendor, [])
    return [*by_name, *by_vendor[:OF_A_VENDOR]]


def _named(name: str, caller: Caller) -> Llm:
    llm = llm_named(name)
    if llm is None:
        raise ModelNotFound(f"there is no LLM called {name}")
    if llm.is_premium and not caller.pays:
        raise Forbidden(f"{name} is for the premium tier")
    return llm


def _is_free(llm: Llm) -> bool:
    """Say whether an LLM costs nothing: then nobody who does may stand in for it."""
    return all(price.is_free for price in llm.prices)


def _siblings(llm: Llm) -> list[str]:
    siblings: list[str] = read("routing")["siblings"].get(llm.vendor, [])
    return [llm.successor, *siblings] if llm.successor else siblings


def _known(names: list[str]) -> Iterator[Llm]:
    for name in dict.fromkeys(names):
        llm = llm_named(name)
        if llm is not None:
            yield llm


def _unfit(llm: Llm, caller: Caller, need: _Need) -> str:
    """Say why an LLM cannot be in a plan; nothing when it can."""
    lacking = need.abilities - llm.abilities
    if llm.is_premium and not caller.pays:
        return "tier"
    if llm.vendor not in caller.served and not caller.own_key:
        return "vendor"
    if lacking:
        return f"lacks {min(lacking)}"
    if need.prompt + min(need.answer or 1, llm.max_output) > llm.window:
        return "window"
    if not any(price.valid_from <= caller.today for price in llm.prices):
        return "price"
    return ""


def _nobody(name: str, left_out: dict[str, str]) -> Exception:
    if left_out.get(name) == "window":
        return ContextTooLong(f"the conversation is longer than {name} can read")
    why = left_out.get(name, "")
    words = {"vendor": "its vendor is not configured here", "price": "no price of it is known"}
    return ModelNotAvailable(f"{name} cannot answer: {words.get(why, why)}")
