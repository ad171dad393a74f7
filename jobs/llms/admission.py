"""Admission: what has to be so before a question to an LLM is accepted as a job.

Whatever wire or chat it comes by: it has a plan, it is screened, and the caller's own key, if there
is one, waits for the worker. Nothing is charged or sent yet; what is decided goes into the job.
"""

from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from jobs.evaluation import part_of
from jobs.llms.ask import Ask
from jobs.llms.own_keys import NOT_HANDED_OVER, OwnKey, OwnKeys
from jobs.llms.preparing import Asker, Planner, Prepared
from jobs.llms.router import TEST
from jobs.llms.screening import Screened, Speaker, screened
from jobs.safety.moderator import Moderator
from jobs.safety.screen import SafetyService
from models.kernel.errors import Refused, Unavailable

BY_TASK: Final = "task"
"""The reason of a plan whose first LLM was for us to choose."""


class Questioner(Asker, Speaker, Protocol):
    """Whoever asks an LLM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """What goes into the job: its plan, how it passed, the name of the entry of its own key."""

    plan: Prepared
    screened: Screened
    entrusted: str | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of the job value, as rows keep them."""
        kept = {"plan": self.plan.to_row(), "screened": self.screened.to_row()}
        return {**kept, "entrusted": self.entrusted}


class Admission:
    """Admits questions. One a process."""

    def __init__(
        self,
        planner: Planner,
        moderator: Moderator | None = None,
        own_keys: OwnKeys | None = None,
    ) -> None:
        """Take who plans, who judges (the lexicon, if nobody is given), and who takes keys."""
        self._planner = planner
        self._moderator = moderator or SafetyService()
        self._own_keys = own_keys

    def admit(self, ask: Ask, caller: Questioner, own: OwnKey | None = None) -> Admitted:
        """Return what is decided about a question.

        With a key of the caller's own, the LLM that is named is asked and no other, with that key
        and no other, free of charge (Y-04). With a test key, the sandbox answers and needs none.
        Raises what `router.plan`, `screened` and `OwnKeys` raise.
        """
        if own is None or caller.mode == TEST:
            plan = self._plan(ask, caller)
            return Admitted(plan=plan, screened=self._screened(ask, caller))
        if self._own_keys is None:
            raise Unavailable(NOT_HANDED_OVER)
        self._own_keys.check(own, ask.model)
        plan = self._planner.plan(replace(ask, falls_back=False), caller, own_key=True)
        passed = self._screened(ask, caller)
        entrusted = self._own_keys.entrust(own, caller.account_id)
        return Admitted(plan=plan, screened=passed, entrusted=entrusted)

    def _plan(self, ask: Ask, caller: Questioner) -> Prepared:
        """Return the plan; where the choice is ours, that of the experiment that runs.

        Who may not use both of its LLMs is in no arm: the arms are to be alike but for the LLM.
        """
        usual = self._planner.plan(ask, caller)
        part = part_of(caller.account_id) if usual.reason == BY_TASK else None
        if part is None:
            return usual
        try:
            plans = {
                arm: self._planner.plan(replace(ask, model=llm), caller)
                for arm, llm in part.llms.items()
            }
        except (Refused, Unavailable):
            return usual
        return replace(
            plans[part.arm], reason="experiment", experiment=part.experiment, arm=part.arm
        )

    def _screened(self, ask: Ask, caller: Questioner) -> Screened:
        return screened(ask.messages, caller, self._moderator)
