"""Calls on a wire: a vendor's request, answered by whoever the plan says, in its own shape."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from jobs.job import Job
from jobs.llms.ask import Ask
from jobs.llms.own_keys import EntrustedKeys
from jobs.llms.preparing import Prepared
from jobs.llms.question import Llms, Question
from jobs.llms.screening import Screened, Watch
from jobs.run import Outcome, Run
from jobs.safety.screen import SafetyService
from jobs.wires.wires import wire_named
from models.kernel.money import Estimate


@dataclass(frozen=True, slots=True)
class WireCall(Job):
    """Answer a request of a wire. `earlier` are the messages of the answers it goes on from.

    `screened` is a `Screened` as rows keep it, `entrusted` the name under which the caller's own
    key was left, if there is one.
    """

    name: ClassVar[str] = "llm.call"
    queue: ClassVar[str] = "llm"

    wire: str
    body: Mapping[str, Any]
    plan: Mapping[str, Any]
    earlier: tuple[Mapping[str, Any], ...] = ()
    recovery: str = "error"
    reruns: bool = False
    screened: Mapping[str, Any] = field(default_factory=dict)
    entrusted: str | None = None

    @property
    def estimate(self) -> Estimate:
        """The dearest it can become."""
        return Prepared.of_row(self.plan).estimate

    def ask_with(self, *, falls_back: bool = True) -> Ask:
        """Return the question, whatever wire it came by; raise `Invalid` for one that is none."""
        ask = wire_named(self.wire).ask_of(self.body, self.earlier)
        return replace(
            ask,
            streamed=ask.streamed or self.body.get("background") is True,
            recovery=self.recovery,
            reruns=self.reruns,
            falls_back=falls_back,
        )


def answer_call(
    job: WireCall, llms: Llms, run: Run, keys: EntrustedKeys, safety: SafetyService
) -> Outcome:
    """Answer, streaming if that was asked.

    Raises what `Answering.answer` raises, and `ProviderKeyGone` when the caller's own key is not
    there for this attempt.
    """
    prepared = Prepared.of_row(job.plan)
    watch = Watch(safety, Screened.of_row(job.screened))
    question = Question(
        ask=job.ask_with(),
        steps=prepared.steps,
        max_tokens=prepared.max_tokens,
        day=run.created_at.date(),
        make_screen=watch.screen,
        key=keys.key_for(job.entrusted, run),
    )
    return watch.carry_out(question, prepared, llms, run).outcome
