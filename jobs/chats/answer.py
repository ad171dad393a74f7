"""Answers: an LLM writes the message that a chat waits for (M-04, M-20 – M-23).

The message is written in the transaction that ends its job: whole, or as far as it came. What ends
without any attempt to say so, the trigger of `0003_chats.sql` writes down.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Final, Self
from uuid import UUID

from psycopg2.extras import Json

from jobs.chats import cache
from jobs.chats.context import Context, conversation, fitted
from jobs.chats.formats import faults_in, options_of, words_of
from jobs.chats.metering import Meter
from jobs.job import Job
from jobs.llms.admission import Admitted
from jobs.llms.ask import CONTINUE, RESTART, Ask
from jobs.llms.complete import about_book, cited
from jobs.llms.counting import prompt_tokens
from jobs.llms.outcomes import Came, usage_body
from jobs.llms.own_keys import EntrustedKeys
from jobs.llms.preparing import Prepared
from jobs.llms.provider import Message, Tokens, text_of
from jobs.llms.question import Llms, Question
from jobs.llms.screening import Screened, Watch
from jobs.run import Effect, FinalFailure, Outcome, Run
from jobs.safety.screen import SafetyService
from jobs.sayings import Saying
from models.books import Book
from models.chats import COMPLETE, PARTIAL, Chat
from models.chats import Message as Kept
from models.kernel.errors import DeadlineExceeded, Unavailable
from models.kernel.ids import wire_id
from models.kernel.money import ZERO, Estimate

FORMAT: Final = "FORMAT"
"""The code of a warning that tells of a wrong format."""

_WRITTEN: Final = """
with written as (
    update message
    set content = %s, citations = %s, tool_calls = %s, llm = %s, vendor = %s, status = %s,
        finish_reason = %s, tokens_in = %s, tokens_out = %s, cost_nano = %s, estimated = %s,
        cached = %s, warnings = %s, finished_at = now()
    where id = %s
    returning chat_id, cost_nano
)
update chat
set last_activity_at = now(), context_tokens = %s, summary = coalesce(%s, summary),
    cost_nano = chat.cost_nano + written.cost_nano
from written where chat.id = written.chat_id
"""
_BEGUN: Final = "update message set content = %s where id = %s and status = 'pending'"
_BROKEN_OFF: Final = """
update message set content = %s, status = 'partial', finished_at = now() where id = %s
"""


@dataclass(frozen=True, slots=True)
class AnswerChat(Job):
    """Answer a message of a chat. The answer's message has the job's id.

    `room` is how many tokens a prompt may take, `form` the format that is wished, `caches` whether
    an answer given before may do. `plan`, `screened` and `entrusted` are as in `WireCall`.
    """

    name: ClassVar[str] = "chat.answer"
    queue: ClassVar[str] = "llm"

    chat_id: UUID
    question_id: UUID
    model: str
    room: int
    plan: Mapping[str, Any] = field(default_factory=dict)
    max_tokens: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    form: Mapping[str, Any] = field(default_factory=dict)
    recovery: str = RESTART
    caches: bool = False
    screened: Mapping[str, Any] = field(default_factory=dict)
    entrusted: str | None = None

    @property
    def subject(self) -> UUID:
        """The chat."""
        return self.chat_id

    @property
    def estimate(self) -> Estimate:
        """The dearest it can become."""
        return Prepared.of_row(self.plan).estimate

    def ask_with(self, messages: tuple[Message, ...], *, falls_back: bool = True) -> Ask:
        """Return the question with these messages."""
        return Ask(
            model=self.model,
            messages=messages,
            max_tokens=self.max_tokens,
            options={**self.options, **options_of(self.form)},
            streamed=True,
            recovery=self.recovery,
            falls_back=falls_back,
            reruns=self.entrusted is None,
        )

    def admitted(self, admitted: Admitted) -> Self:
        """Return this job with what was decided about it."""
        return replace(self, **admitted.fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What chats are answered with: the LLMs, the callers' own keys, the safety service."""

    llms: Llms
    keys: EntrustedKeys
    safety: SafetyService


def answer_chat(job: AnswerChat, means: Means, run: Run) -> Outcome:
    """Stream an answer and write it into its chat.

    What was shown of an answer that is cut short stays in the chat, as a partial one (M-23). Raises
    what `Answering.answer` raises, and `ProviderKeyGone`.
    """
    chat: Chat = Chat.get_by_id(job.chat_id)
    context = context_of(job)
    ask = job.ask_with(_messages(job, chat, context, run))
    prepared = Prepared.of_row(job.plan)
    wished = {**ask.options, "form": dict(job.form), "screened": dict(job.screened)}
    key = cache.key_of(prepared, ask.messages, wished)
    kept = cache.find(run.account_id, run.mode, key) if job.caches else None
    if kept is not None:
        return _given_again(kept, context, run)
    came = _asked(job, ask, means, context, run)
    result = _checked({**came.result, **cited(chat.book_id, came.whole.sheet.text)}, job)
    effects = [*came.effects, _written(result, COMPLETE, context, run)]
    if job.caches and _may_be_kept(result):
        effects.append(cache.keeping(run.account_id, run.mode, key, result))
    return Outcome(result, usage=came.usage, effects=effects)


def context_of(job: AnswerChat) -> Context:
    """Return what is given of the conversation up to the question."""
    return fitted(conversation(Kept.branch(job.question_id)), job.room)


def _messages(job: AnswerChat, chat: Chat, context: Context, run: Run) -> tuple[Message, ...]:
    """Return the whole prompt; of a chat about a book, with its passages after what is told."""
    told = context.after(chat.system_prompt, words_of(job.form))
    if chat.book_id is None:
        return told
    book = Book.seen_by(run.account_id, run.mode, chat.book_id)
    question = next((text_of(m) for m in reversed(told) if m["role"] == "user"), "")
    place = len(told) - len(context.history)
    return (*told[:place], about_book(book, question), *told[place:])


def _asked(job: AnswerChat, ask: Ask, means: Means, context: Context, run: Run) -> Came:
    """Carry the question out; what is cut short leaves what was shown of it."""
    prepared = Prepared.of_row(job.plan)
    watch = Watch(means.safety, Screened.of_row(job.screened))
    meter = Meter(run, prompt_tokens(ask.messages, ask.options), watch.screen)
    meter.goes_on = ask.recovery == CONTINUE
    question = Question(
        ask=ask,
        steps=prepared.steps,
        max_tokens=prepared.max_tokens,
        day=run.created_at.date(),
        make_screen=meter.screen,
        key=means.keys.key_for(job.entrusted, run),
    )
    try:
        return watch.carry_out(question, prepared, means.llms, run)
    except FinalFailure as failure:
        failure.effects = (*failure.effects, *_left(failure.result, meter, context, run))
        raise
    except DeadlineExceeded as late:
        raise FinalFailure(late, _left(None, meter, context, run)) from late
    except Unavailable:
        if meter.text:
            run.write(_BEGUN, (meter.text, run.job_id))
        raise


def _left(
    result: Mapping[str, Any] | None, meter: Meter, context: Context, run: Run
) -> tuple[Effect, ...]:
    """Return what keeps the beginning of an answer; nothing when there is none."""
    if result is not None:
        return (_written(result, PARTIAL, context, run),)
    return (Effect(_BROKEN_OFF, (meter.text, run.job_id)),) if meter.text else ()


def _checked(result: dict[str, Any], job: AnswerChat) -> dict[str, Any]:
    """Return a result with a warning for each thing that is wrong with its format."""
    faults = [] if result["toolCalls"] else faults_in(result["content"], job.form)
    found = [{"code": FORMAT, "message": fault} for fault in faults]
    return {**result, "warnings": [*result["warnings"], *found], "cached": False}


def _may_be_kept(result: Mapping[str, Any]) -> bool:
    """Say whether an answer is good enough to be given again."""
    return result["finishReason"] == "stop" and not (result["toolCalls"] or result["warnings"])


def _given_again(kept: Mapping[str, Any], context: Context, run: Run) -> Outcome:
    """Stream an answer that was given before: nobody is asked, nothing is charged."""
    run.tell("served", vendor=kept["vendor"], model=kept["model"])
    run.say(Saying("delta", kept["content"]))
    free = usage_body(Tokens(**kept["tokens"]), ZERO)
    result = {**kept, "id": wire_id("msg", run.job_id), "usage": free, "cached": True}
    return Outcome(result, effects=(_written(result, COMPLETE, context, run),))


def _written(result: Mapping[str, Any], status: str, context: Context, run: Run) -> Effect:
    """Return the statement that writes the answer into its message, and notes it in the chat."""
    tokens = result["tokens"]
    return Effect(_WRITTEN, (
        result["content"], Json(result["citations"]), Json(result["toolCalls"]), result["model"],
        result["vendor"], status, result["finishReason"], tokens["input"], tokens["output"],
        int(result["usage"]["costNanoUsd"]), result["estimated"], result.get("cached", False),
        Json(result.get("warnings", [])), run.job_id,
        tokens["input"] + tokens["output"], context.summary,
    ))  # fmt: skip
