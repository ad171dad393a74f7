"""One call to one LLM while it runs: what it has used, and how long it takes."""

from typing import Final

from jobs.llms.provider import Request, Tokens
from jobs.llms.router import Step
from models.kernel.clock import Clock
from models.kernel.measures import LLM_FAULTS, LLM_FIRST_SECONDS, LLM_SECONDS

MILLISECONDS: Final = 1_000


class Call:
    """One call to one LLM while it runs."""

    def __init__(self, step: Step, request: Request, clock: Clock) -> None:
        """Begin now."""
        self.step = step
        self.request = request
        self.counted: Tokens | None = None
        self.counted_at = 0
        self.exact: Tokens | None = None
        self.first_ms: int | None = None
        self._clock = clock
        self._began = clock.elapsed()

    def elapsed_ms(self) -> int:
        """Return how long it has taken."""
        return round((self._clock.elapsed() - self._began) * MILLISECONDS)

    def heard(self) -> None:
        """Note the first piece."""
        if self.first_ms is None:
            self.first_ms = self.elapsed_ms()


def measure(call: Call, outcome: str, code: str | None) -> None:
    """Count a call that is over, by how it went."""
    vendor, llm = call.step.vendor, call.step.llm
    LLM_SECONDS.observe(call.elapsed_ms() / MILLISECONDS, vendor, llm, outcome)
    if call.first_ms is not None:
        LLM_FIRST_SECONDS.observe(call.first_ms / MILLISECONDS, vendor, llm)
    if code is not None and outcome == "failed":
        LLM_FAULTS.add(vendor, llm, code)
