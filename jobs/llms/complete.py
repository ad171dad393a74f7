"""Completions: one answer of an LLM, streamed, with citations when it is about a book."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Final, Self
from uuid import UUID

from jobs.job import Job
from jobs.llms.ask import RESTART, Ask
from jobs.llms.citations import checked, citations_in
from jobs.llms.passages import as_context, best_passages, pages_about
from jobs.llms.preparing import Prepared
from jobs.llms.provider import Message, text_of
from jobs.llms.question import Llms, Question
from jobs.llms.screening import Screened, Watch
from jobs.run import Outcome, Run
from jobs.safety.screen import SafetyService
from models.books import Book
from models.kernel.money import Estimate

MOST_PASSAGES: Final = 8

INSTRUCTIONS: Final = (
    "Answer the question from the passages of the book below. Quote what you rely on, word for"
    ' word, as "the quoted words" [p. N], where N is the page in front of the passage. If the'
    " passages do not answer it, say so."
)
ROOM_FOR_PASSAGES: Final = " passage" * 1_500
"""As much as the passages of a book take of a prompt: they are chosen when the job runs."""


@dataclass(frozen=True, slots=True)
class Complete(Job):
    """Have an LLM answer the last of some messages.

    `plan` is a `Prepared` as rows keep it, `screened` a `Screened`.
    """

    name: ClassVar[str] = "llm.completion"
    queue: ClassVar[str] = "llm"
    is_public: ClassVar[bool] = True

    model: str
    messages: tuple[Mapping[str, Any], ...]
    max_tokens: int | None = None
    temperature: float | None = None
    book_id: UUID | None = None
    plan: Mapping[str, Any] = field(default_factory=dict)
    screened: Mapping[str, Any] = field(default_factory=dict)

    @property
    def subject(self) -> UUID | None:
        """The book, if it is about one."""
        return self.book_id

    @property
    def estimate(self) -> Estimate:
        """The dearest it can become."""
        return Prepared.of_row(self.plan).estimate

    @property
    def ask(self) -> Ask:
        """The question; about a book, with room for its passages."""
        room: tuple[Message, ...] = ({"role": "system", "content": ROOM_FOR_PASSAGES},)
        return self.ask_with((*(room if self.book_id else ()), *self.messages))

    def ask_with(self, messages: tuple[Message, ...]) -> Ask:
        """Return the question with these messages."""
        options = {} if self.temperature is None else {"temperature": self.temperature}
        return Ask(
            model=self.model,
            messages=messages,
            max_tokens=self.max_tokens,
            options=options,
            streamed=True,
            recovery=RESTART,
        )

    def planned(self, plan: Prepared) -> Self:
        """Return this question with its plan."""
        return replace(self, plan=plan.to_row())


def complete(job: Complete, llms: Llms, run: Run, safety: SafetyService | None = None) -> Outcome:
    """Stream an answer and return it whole, with what it used and cited (M-05).

    `safety` is the catalogue's, if none is given. Raises what `Answering.answer` raises: half an
    answer is never shown as one.
    """
    prepared = Prepared.of_row(job.plan)
    watch = Watch(safety or SafetyService(), Screened.of_row(job.screened))
    question = Question(
        ask=job.ask_with(_messages(job, run)),
        steps=prepared.steps,
        max_tokens=prepared.max_tokens,
        day=run.created_at.date(),
        make_screen=watch.screen,
    )
    came = watch.carry_out(question, prepared, llms, run)
    return replace(
        came.outcome, result={**came.result, **cited(job.book_id, came.whole.sheet.text)}
    )


def cited(book_id: UUID | None, text: str) -> dict[str, Any]:
    """Return the citations of an answer that really stand in the book, and how many do not."""
    if book_id is None:
        return {}
    kept = checked(book_id, citations_in(text))
    shown = [{"page": c.page, "excerpt": c.excerpt} for c in kept.citations]
    return {"citations": shown, "droppedCitations": kept.dropped}


def _messages(job: Complete, run: Run) -> tuple[Message, ...]:
    """Return the conversation, with the book's passages before it."""
    if job.book_id is None:
        return job.messages
    book = Book.seen_by(run.account_id, run.mode, job.book_id)
    question = next((text_of(m) for m in reversed(job.messages) if m["role"] == "user"), "")
    return (about_book(book, question), *job.messages)


def about_book(book: Book, question: str) -> Message:
    """Return the message that gives an LLM what a book says on a question (M-41)."""
    passages = best_passages(pages_about(book.id, question), question, MOST_PASSAGES)
    context = f"{INSTRUCTIONS}\n\nBook: {book.title}\n\n{as_context(passages)}"
    return {"role": "system", "content": context}
