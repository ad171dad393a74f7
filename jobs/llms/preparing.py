"""Preparing: a question gets its plan and its hold before it is accepted.

What is decided here goes into the job's row with the question, so that every attempt at it asks
the same LLMs in the same order, for at most the money that was held.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol, Self

from jobs.llms.ask import Ask
from jobs.llms.costs import charge
from jobs.llms.counting import BRIEFLY, cached_for, most_tokens, prompt_tokens, reserved
from jobs.llms.pictures import check_pictures
from jobs.llms.provider import Tokens
from jobs.llms.question import price_of
from jobs.llms.router import BALANCED, Caller, Plan, Step, plan
from models.kernel.clock import Clock
from models.kernel.money import EXACT, NOTHING, ZERO, Estimate, Nano
from models.kernel.places import Gate
from models.kernel.settings import Settings
from models.llms import llm_named, vendors


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A plan and what it may cost at most, as a job's row keeps them.

    `experiment` and `arm` are empty where none decided who is asked.
    """

    steps: tuple[Step, ...]
    task: str
    reason: str
    max_tokens: int
    left_out: Mapping[str, str]
    hold_nano: int
    own_key: bool
    experiment: str = ""
    arm: str = ""
    hold_tokens: int = 0
    rounding: str = EXACT

    @property
    def hold(self) -> Nano:
        """What is held for the question."""
        return Nano(self.hold_nano)

    @property
    def estimate(self) -> Estimate:
        """What is held for it, tokens too: of an LLM that costs nothing none are counted."""
        return Estimate(self.hold, self.hold_tokens)

    def to_row(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**asdict(self), "steps": [[step.llm, step.vendor] for step in self.steps]}

    @classmethod
    def of_row(cls, kept: Mapping[str, Any]) -> Self:
        """Read what `to_row` wrote."""
        steps = tuple(Step(llm=llm, vendor=vendor) for llm, vendor in kept["steps"])
        return cls(**{**kept, "steps": steps})


def prepared(ask: Ask, caller: Caller) -> Prepared:
    """Return the plan of a question and what to hold for it; raise what `router.plan` raises."""
    made: Plan = plan(ask, caller)
    hold = NOTHING if caller.own_key else _hold(ask, made, caller)
    return Prepared(
        steps=made.steps,
        task=made.task,
        reason=made.reason,
        max_tokens=made.max_tokens,
        left_out=made.left_out,
        hold_nano=hold.cost.amount,
        hold_tokens=hold.tokens,
        own_key=caller.own_key,
        rounding=caller.rounding,
    )


class Asker(Protocol):
    """Whoever asks: a tier, live or test, and what they prefer of the LLMs."""

    @property
    def tier(self) -> str:
        """`free`, `premium` or `enterprise`."""
        ...

    @property
    def mode(self) -> str:
        """`live` or `test`."""
        ...

    @property
    def ai_preferences(self) -> Mapping[str, Any]:
        """What a person prefers: `defaultModel`, `vendor`, `priority`, `safety` and more (A-31)."""
        ...


class Planner:
    """Plans questions by what this installation is configured with."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        """Take the settings, and the time: prices are those of the day."""
        self._served = served_vendors(settings)
        self._gate = Gate(settings.reachable)
        self._rounding = settings.billing_rounding
        self._clock = clock

    def caller(self, asker: Asker, *, own_key: bool = False) -> Caller:
        """Return on whose behalf a question is planned."""
        wishes = asker.ai_preferences
        return Caller(
            tier=asker.tier,
            mode=asker.mode,
            served=self._served,
            today=self._clock.now().date(),
            preferred=wishes.get("defaultModel"),
            vendor=wishes.get("vendor"),
            priority=wishes.get("priority", BALANCED),
            own_key=own_key,
            rounding=self._rounding,
        )

    def plan(self, ask: Ask, asker: Asker, *, own_key: bool = False) -> Prepared:
        """Return the plan of a question; raise what `router.plan` and `check_pictures` raise."""
        check_pictures(ask.messages, self._gate)
        return prepared(ask, self.caller(asker, own_key=own_key))


def served_vendors(settings: Settings) -> frozenset[str]:
    """Return the vendors that this installation can call."""
    return frozenset(vendor.name for vendor in vendors().values() if vendor.is_served(settings))


def _hold(ask: Ask, made: Plan, caller: Caller) -> Estimate:
    """Return what the dearest step takes, with the longest prompt and answer (CONTRACT §5).

    The day's tokens are those it likely takes: a document is longer at the most than it ever is.
    """
    longest = Tokens(input=most_tokens(ask.messages, ask.options), output=made.max_tokens)
    marks = cached_for(ask.messages, ask.options)
    costs = (_most(step, longest, caller, marks) for step in made.steps)
    cost = max(costs, default=ZERO)
    likely = reserved(prompt_tokens(ask.messages, ask.options)) + made.max_tokens
    return Estimate(cost, likely) if cost else NOTHING


def _most(step: Step, longest: Tokens, caller: Caller, marks: frozenset[str]) -> Nano:
    """Return what a step costs at the most: no LLM reads more than its window.

    A prompt with marks of what is to be cached may all be written into the dearest cache they name.
    """
    llm = llm_named(step.llm)
    read = min(longest.input, llm.window) if llm else longest.input
    lasting = marks - {BRIEFLY}
    written = {"written_long" if lasting else "written": read} if marks else {}
    most = replace(longest, input=read, **written)
    return charge(most, price_of(step, caller.today), caller.rounding)
