"""A question as it is carried out: what it needs, each call it led to, and what it came to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from jobs.llms.ask import Ask
from jobs.llms.breakers import Breakers
from jobs.llms.provider import Limits, Provider, Tokens
from jobs.llms.router import SANDBOX_VENDOR, Step
from jobs.llms.sheet import Screen, Sheet
from models.kernel.clock import Clock
from models.kernel.errors import IlmError, ModelNotFound
from models.llms import Price, llm_named


class Providers(Protocol):
    """The adapters of this process: those with the house's keys, and those for callers' own."""

    @property
    def house(self) -> Mapping[str, Provider]:
        """The vendors this installation can call, by name."""
        ...

    def for_own_key(self, vendor: str) -> Provider:
        """Return who calls a vendor with a caller's key; raise `ModelNotAvailable`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Llms:
    """What calls are made through: the adapters, the breakers, the limits by kind of LLM."""

    providers: Providers
    breakers: Breakers
    clock: Clock
    limits: Limits
    reasoning_limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked, of whom in which order, at the prices of which day, with which key."""

    ask: Ask
    steps: tuple[Step, ...]
    max_tokens: int
    day: date
    make_screen: Callable[[], Screen]
    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One call to one LLM, and how it went. `lost` is what it used in vain."""

    step: Step
    outcome: str
    code: str | None
    first_ms: int | None
    whole_ms: int
    lost: Tokens | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """An answer, and how it came about. Of a cancelled one, what there was of it."""

    step: Step
    sheet: Sheet
    reason: str
    tokens: Tokens
    estimated: bool
    tries: tuple[Try, ...]
    continued: bool
    stop_sequence: str | None = None


class CutShort(Exception):
    """The caller ended the call: `whole` is what had been written, None when nothing was."""

    def __init__(self, cause: IlmError, whole: Whole | None) -> None:
        """Keep why, and what there is."""
        super().__init__(str(cause))
        self.cause = cause
        self.whole = whole


def price_of(step: Step, day: date) -> Price:
    """Return the price of a step; where the sandbox stands in for an LLM, the sandbox's."""
    llm = llm_named("ilm-extractive" if step.vendor == SANDBOX_VENDOR else step.llm)
    if llm is None:
        raise ModelNotFound(f"there is no LLM called {step.llm}")
    return llm.price_on(day)
