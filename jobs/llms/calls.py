"""Calls on a wire: a vendor's request, answered by whoever the plan says, in its own shape."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from jobs.job import Job
from jobs.llms.ask import Ask
from jobs.llms.outcomes import carried_out
from jobs.llms.preparing import Prepared
from jobs.llms.question import Llms, Question
from jobs.llms.sheet import Open
from jobs.run import Outcome, Run
from jobs.wires.wires import wire_named
from models.kernel.money import Nano


@dataclass(frozen=True, slots=True)
class WireCall(Job):
    """Answer a request of a wire. `earlier` are the messages of the answers it goes on from."""

    name: ClassVar[str] = "llm.call"
    queue: ClassVar[str] = "llm"

    wire: str
    body: Mapping[str, Any]
    plan: Mapping[str, Any]
    earlier: tuple[Mapping[str, Any], ...] = ()
    recovery: str = "error"
    reruns: bool = False

    @property
    def estimate(self) -> Nano:
        """The dearest it can become."""
        return Prepared.of_row(self.plan).hold

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

    def planned(self, plan: Prepared) -> Self:
        """Return this call with its plan."""
        return replace(self, plan=plan.to_row())


def answer_call(job: WireCall, llms: Llms, run: Run) -> Outcome:
    """Answer, streaming if that was asked; raise what `Answering.answer` raises."""
    prepared = Prepared.of_row(job.plan)
    question = Question(
        ask=job.ask_with(),
        steps=prepared.steps,
        max_tokens=prepared.max_tokens,
        day=run.created_at.date(),
        make_screen=Open,
    )
    return carried_out(question, prepared, llms, run).outcome
