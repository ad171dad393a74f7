"""Screening: a question before any LLM reads it, an answer before anybody else does (S-01 – S-06).

A question is screened before it is accepted: it is blocked, or goes on with a warning, or in
silence. How strictly, and what it was flagged for, is kept in its job, so that every attempt at it
holds its answer back alike. What was flagged is written down for review with the job's end.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any, Final, Protocol, Self
from uuid import UUID

from jobs.llms.outcomes import Came, carried_out
from jobs.llms.preparing import Prepared
from jobs.llms.provider import Message, text_of
from jobs.llms.question import Llms, Question
from jobs.llms.sheet import Screen
from jobs.run import Effect, FinalFailure, Run
from jobs.safety.holdback import HoldBack
from jobs.safety.moderator import Moderator
from jobs.safety.screen import (
    BLOCK,
    LOG,
    STANDARD,
    STRICTNESSES,
    WARN,
    Flag,
    SafetyService,
    Verdict,
)
from models.evaluation import RECORD_ANSWER
from models.flags import INPUT, OUTPUT, RECORD_FLAG
from models.kernel.database import database
from models.kernel.errors import ContentBlocked, IlmError
from models.kernel.ids import new_id

SPOKEN_BY_CALLERS: Final = frozenset({"system", "user"})
"""Roles whose words are the caller's own; what LLMs and tools said is not screened again."""

BETWEEN: Final = "\n.\n"
"""Between two messages, so that no phrase runs on from one into the next."""

DONE: Final[Mapping[str, Mapping[str, str]]] = {
    INPUT: {LOG: "logged", WARN: "warned", BLOCK: "blocked"},
    OUTPUT: {LOG: "logged", WARN: "redacted", BLOCK: "blocked"},
}
"""What was done about a flag, as it is written down."""


class Speaker(Protocol):
    """Whoever asks: an account, live or test, and how strict it wants us to be."""

    @property
    def account_id(self) -> UUID:
        """Whose question it is."""
        ...

    @property
    def mode(self) -> str:
        """`live` or `test`."""
        ...

    @property
    def ai_preferences(self) -> Mapping[str, Any]:
        """What a person prefers: `safety` is relaxed, standard or strict (S-06)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One kind of flag: what for, how grave, and what follows of it. Never where or what."""

    category: str
    severity: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """How a question passed: by which strictness, with which marks, and the word to its author."""

    strictness: str = STANDARD
    marks: tuple[Mark, ...] = ()
    warning: str = ""

    @property
    def warnings(self) -> list[dict[str, str]]:
        """What the author is told: the categories warned of, and the words."""
        warned = dict.fromkeys(mark.category for mark in self.marks if mark.action == WARN)
        return [
            {"code": "SAFETY", "category": category, "message": self.warning} for category in warned
        ]

    def to_row(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @classmethod
    def of_row(cls, kept: Mapping[str, Any]) -> Self:
        """Read what `to_row` wrote; of nothing, what was not screened passed as usual."""
        marks = tuple(Mark(**mark) for mark in kept.get("marks", ()))
        return cls(**{**kept, "marks": marks})


class Blocked(ContentBlocked):
    """A question that nobody may read: with its categories, for its author.

    `marks` are what it was flagged for, for the reviewers, `speaker` whose question it was.
    """

    marks: tuple[Mark, ...] = ()
    speaker: Speaker | None = None

    @classmethod
    def by(cls, verdict: Verdict, speaker: Speaker) -> Self:
        """Return the refusal that follows from a verdict."""
        refusal = verdict.refusal()
        made = cls(refusal.message, details=refusal.details)
        made.marks, made.speaker = marks_of(verdict.flags), speaker
        return made

    def write_down(self) -> None:
        """Write down what it was blocked for (S-05): there will be no job to do it.

        A transaction that this ends takes that back: whoever opened it writes it down again.
        """
        whose = self.speaker
        if whose is None:
            return
        for mark in self.marks:
            values = (
                new_id(), whose.account_id, whose.mode, whose.account_id, INPUT, mark.category,
                mark.severity, DONE[INPUT][mark.action],
            )  # fmt: skip
            database.rows(RECORD_FLAG, values)


def screened(messages: Sequence[Message], speaker: Speaker, moderator: Moderator) -> Screened:
    """Return how a question passes.

    Raises `Blocked` for one that does not, which is written down at once; and what the moderator
    raises when it cannot judge.
    """
    strictness = strictness_of(speaker)
    said = (text_of(each) for each in messages if each.get("role") in SPOKEN_BY_CALLERS)
    verdict = moderator.moderate(BETWEEN.join(filter(None, said)), strictness)
    if verdict.is_blocked:
        blocked = Blocked.by(verdict, speaker)
        blocked.write_down()
        raise blocked
    return Screened(strictness=strictness, marks=marks_of(verdict.flags), warning=verdict.warning)


def strictness_of(speaker: Speaker) -> str:
    """Return how strict a person wants us to be; standard when they did not say."""
    wished = speaker.ai_preferences.get("safety")
    return wished if isinstance(wished, str) and wished in STRICTNESSES else STANDARD


def marks_of(flags: Iterable[Flag]) -> tuple[Mark, ...]:
    """Return the kinds of some flags, each once."""
    kinds = (Mark(category=f.category, severity=f.severity, action=f.action) for f in flags)
    return tuple(dict.fromkeys(kinds))


class Watch:
    """Watches over one run of a question: screens what is written, and notes what was flagged."""

    def __init__(self, safety: SafetyService, passed: Screened) -> None:
        """Take the service, and how the question passed."""
        self._safety = safety
        self._passed = passed
        self._screens: list[HoldBack] = []

    def screen(self) -> Screen:
        """Return a fresh screen, for whoever writes next."""
        made = _Held(self._safety, self._passed.strictness, self.screen)
        self._screens.append(made)
        return made

    def carry_out(self, question: Question, prepared: Prepared, llms: Llms, run: Run) -> Came:
        """Answer a question as `carried_out` does, in its author's sight and the reviewers'.

        `question.make_screen` is this watch's `screen`.
        """
        for warning in self._passed.warnings:
            run.tell("warning", **warning)
        try:
            came = carried_out(question, prepared, llms, run)
        except FinalFailure as failure:
            failure.effects = (*failure.effects, *self._notes(prepared, run))
            raise
        except IlmError:
            for note in self._notes(prepared, run):
                run.write(note.sql, note.parameters)
            raise
        result = {**came.result, "warnings": self._passed.warnings}
        return replace(came, result=result, effects=(*came.effects, *self._notes(prepared, run)))

    def _notes(self, prepared: Prepared, run: Run) -> tuple[Effect, ...]:
        """Return what writes down the flags, and the arm of an experiment the answer is in."""
        if not prepared.experiment:
            return self._flags(run)
        values = (run.job_id, prepared.experiment, prepared.arm)
        return (Effect(RECORD_ANSWER, values), *self._flags(run))

    def _flags(self, run: Run) -> tuple[Effect, ...]:
        """Return what writes the flags down; however often a run is repeated, each kind once."""
        found = [flag for screen in self._screens for flag in screen.flags]
        marks = {INPUT: self._passed.marks, OUTPUT: marks_of(found)}
        return tuple(
            Effect(RECORD_FLAG, (
                _flag_id(run.job_id, way, mark), run.account_id, run.mode, run.job_id, way,
                mark.category, mark.severity, DONE[way][mark.action],
            ))
            for way, kinds in marks.items()
            for mark in kinds
        )  # fmt: skip


class _Held(HoldBack):
    """A hold-back that knows how another is made."""

    def __init__(self, safety: SafetyService, strictness: str, more: Callable[[], Screen]) -> None:
        super().__init__(safety, strictness)
        self._more = more

    def aside(self) -> Screen:
        """Return another, as strict."""
        return self._more()


def _flag_id(subject_id: UUID, way: str, mark: Mark) -> UUID:
    """Return the one id of a kind of flag of a job."""
    told = f"{subject_id}:{way}:{mark.category}:{mark.severity}:{mark.action}"
    return UUID(bytes=sha256(told.encode()).digest()[:16])
