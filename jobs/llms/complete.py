"""Completions: one answer of an LLM, streamed, with citations when it is about a book."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final
from uuid import UUID

from jobs.job import Job
from jobs.llms.citations import checked, citations_in
from jobs.llms.passages import as_context, best_passages, pages_about
from jobs.llms.provider import Delta, Finish, Message, Provider, Request
from jobs.run import Outcome, Run, Usage
from models.books import Book
from models.kernel.errors import ModelNotFound, UpstreamError
from models.kernel.ids import wire_id
from models.kernel.money import Nano, cost_of
from models.llms import Llm, llm_named

MOST_PASSAGES: Final = 8
DEFAULT_MAX_TOKENS: Final = 1_024

INSTRUCTIONS: Final = (
    "Answer the question from the passages of the book below. Quote what you rely on, word for"
    ' word, as "the quoted words" [p. N], where N is the page in front of the passage. If the'
    " passages do not answer it, say so."
)


@dataclass(frozen=True, slots=True)
class Complete(Job):
    """Have an LLM answer the last of some messages."""

    name: ClassVar[str] = "llm.completion"
    queue: ClassVar[str] = "llm"
    is_public: ClassVar[bool] = True

    model: str
    messages: tuple[Mapping[str, str], ...]
    max_tokens: int | None = None
    temperature: float | None = None
    book_id: UUID | None = None

    @property
    def subject(self) -> UUID | None:
        """The book, if it is about one."""
        return self.book_id

    @property
    def estimate(self) -> Nano:
        """The dearest it can become: every character a token, and the longest answer."""
        llm = llm_named(self.model)
        if llm is None or llm.is_free:
            return Nano(0)
        characters = sum(len(message["content"]) for message in self.messages)
        longest = self.max_tokens or DEFAULT_MAX_TOKENS
        return cost_of([(characters, llm.input_pico), (longest, llm.output_pico)])


def complete(job: Complete, providers: Mapping[str, Provider], run: Run) -> Outcome:
    """Stream an answer and return it whole, with what it used and cited (M-05).

    Raises `ModelNotFound` for an LLM nobody here runs, `UpstreamError` for an answer that ended
    without its terminal event: half an answer is never shown as one.
    """
    llm = llm_named(job.model)
    if llm is None or llm.vendor not in providers:
        raise ModelNotFound(f"there is no LLM called {job.model}")
    request = Request(
        llm.name, _messages(job, run), job.max_tokens or DEFAULT_MAX_TOKENS, job.temperature
    )
    text, finish = _stream(providers[llm.vendor], request, run)
    return _outcome(job, llm, text, finish, run)


def _messages(job: Complete, run: Run) -> tuple[Message, ...]:
    """Return the conversation, with the book's passages before it."""
    given = tuple(Message(m["role"], m["content"]) for m in job.messages)
    if job.book_id is None:
        return given
    book = Book.seen_by(run.account_id, run.mode, job.book_id)
    question = next((m.content for m in reversed(given) if m.role == "user"), "")
    passages = best_passages(pages_about(book.id, question), question, MOST_PASSAGES)
    context = f"{INSTRUCTIONS}\n\nBook: {book.title}\n\n{as_context(passages)}"
    return (Message("system", context), *given)


def _stream(provider: Provider, request: Request, run: Run) -> tuple[str, Finish]:
    pieces: list[str] = []
    for event in provider.stream(request, run.on_stop):
        run.check()
        if isinstance(event, Delta):
            pieces.append(event.text)
            run.delta(event.text)
        else:
            return "".join(pieces), event
    raise UpstreamError("the answer ended without saying so")


def _outcome(job: Complete, llm: Llm, text: str, finish: Finish, run: Run) -> Outcome:
    lines = [(finish.tokens_in, llm.input_pico), (finish.tokens_out, llm.output_pico)]
    cost = cost_of(lines)
    usage = Usage("completion", llm.name, llm.price_id, finish.tokens_in, finish.tokens_out, cost)
    kept = checked(job.book_id, citations_in(text)) if job.book_id else None
    result: dict[str, Any] = {
        "id": wire_id("msg", run.job_id),
        "model": llm.name,
        "content": text,
        "finishReason": finish.reason,
        "citations": [
            {"page": c.page, "excerpt": c.excerpt} for c in (kept.citations if kept else ())
        ],
        "droppedCitations": kept.dropped if kept else 0,
        "usage": {
            "promptTokens": finish.tokens_in,
            "completionTokens": finish.tokens_out,
            "totalTokens": finish.tokens_in + finish.tokens_out,
            "costUsd": cost.usd,
            "costNanoUsd": cost.wire,
        },
    }
    return Outcome(result, usage=[usage])
