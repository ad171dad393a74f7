"""Talking: a message is kept and its answer accepted, both or neither (M-04, M-08, M-11).

The message, the pending answer, the job and its hold are one transaction; what posts the job comes
after the commit. Nothing that was said is changed: an edit and a new answer begin a branch.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from jobs.chats.answer import AnswerChat, context_of
from jobs.chats.formats import words_of
from jobs.chats.preferences import Manner
from jobs.chats.titles import title_of
from jobs.llms.admission import Admission, Questioner
from jobs.llms.ask import RESTART
from jobs.llms.complete import ROOM_FOR_PASSAGES
from jobs.llms.counting import prompt_tokens, reserved
from jobs.llms.own_keys import OwnKey
from jobs.llms.preparing import Asker, Planner, Prepared
from jobs.llms.provider import Message
from jobs.llms.router import AUTO, default_llm
from jobs.llms.screening import Blocked
from jobs.queue import Queue, Sender, Wishes
from models import engine
from models.books import PUBLIC, Book
from models.chats import ASSISTANT, PENDING, TOOL, USER, Chat
from models.chats import Message as Kept
from models.credits import tell_exhausted
from models.engine import Accepted
from models.idempotency import HOURS
from models.jobs import JobRow
from models.kernel.database import database
from models.kernel.denials import PaymentRequired
from models.kernel.errors import Conflict, Detail, IdempotencyMismatch, Invalid
from models.kernel.ids import new_id
from models.llms import llm_named

MOST_MESSAGES: Final = 5_000
USUAL_ANSWER: Final = 4_096
"""Tokens kept free for an answer whose length nobody bounded."""

_KNOWN: Final = """
select fingerprint, job_id from idempotency_key
where account_id = %s and mode = %s and key = %s
  and created_at > now() - make_interval(hours => %s)
"""
_SAY: Final = """
insert into message (id, chat_id, parent_id, role, content, tool_call_id, edited_at)
values (%s, %s, %s, %s, %s, %s, %s)
"""
_BEGIN: Final = """
insert into message (id, chat_id, parent_id, role, status, llm, job_id)
values (%s, %s, %s, 'assistant', %s, %s, %s)
"""
_MOVE: Final = """
update chat
set head_id = %s, message_count = message_count + %s, last_activity_at = now(),
    title = case when title_by = 'nobody' then %s else title end,
    title_by = case when title_by = 'nobody' and %s <> '' then 'machine' else title_by end
where id = %s
"""
_WINDOW: Final = "update chat set context_tokens = %s, context_window = %s where id = %s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """A message somebody says, after another one; after the last when `parent_id` is None.

    One that `is_first` follows nothing: it begins a branch from the start.
    """

    content: str
    role: str = USER
    parent_id: UUID | None = None
    is_first: bool = False
    tool_call_id: str | None = None
    edited_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How an answer is wished. `caches` None: as the person prefers."""

    model: str | None = None
    max_tokens: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    form: Mapping[str, Any] = field(default_factory=dict)
    recovery: str = RESTART
    caches: bool | None = None
    falls_back: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Who talks, by which request, with a key of their own or not."""

    asker: Questioner
    sender: Sender
    wishes: Wishes
    own: OwnKey | None = None


class Talking:
    """Where chats go on."""

    def __init__(self, queue: Queue, planner: Planner, admission: Admission) -> None:
        """Take where jobs go, who plans questions, and who admits them."""
        self._queue = queue
        self._planner = planner
        self._admission = admission

    def ask(self, chat: Chat, speech: Speech, wanted: Wanted, turn: Turn) -> JobRow:
        """Keep a message and accept its answer; the same key returns the job it made before.

        Raises `Conflict` while the answer before is being written, and what `Admission.admit` and
        `engine.accept` raise.
        """
        with self._locked(chat, turn) as (known, accepted):
            if known is None:
                question = _said(chat, speech)
                accepted.append(self._accept(chat, question, wanted, turn))
        return self._row(known, accepted)

    def answer_again(self, chat: Chat, answer: Kept, wanted: Wanted, turn: Turn) -> JobRow:
        """Accept another answer to the message that one answers, beside it."""
        with self._locked(chat, turn) as (known, accepted):
            if known is None:
                question = _question_of(answer)
                accepted.append(self._accept(chat, question, wanted, turn))
        return self._row(known, accepted)

    def keep(self, chat: Chat, speech: Speech) -> Kept:
        """Keep a message that nobody is to answer."""
        with database.unit():
            Chat.lock(chat.id)
            return _said(chat, speech)

    @contextmanager
    def _locked(self, chat: Chat, turn: Turn) -> Iterator[tuple[UUID | None, list[Accepted]]]:
        """Give the job that this request's key made before, and a place for the one it makes."""
        try:
            with database.unit():
                Chat.lock(chat.id)
                yield _known(turn), []
        except Blocked as blocked:
            blocked.write_down()
            raise
        except PaymentRequired as refused:
            tell_exhausted(turn.sender.account_id, refused)
            raise

    def _row(self, known: UUID | None, accepted: list[Accepted]) -> JobRow:
        for each in accepted:
            self._queue.post(each)
        row: JobRow = JobRow.get_by_id(known or accepted[0].id)
        row.credits_used = accepted[0].used if accepted else None
        return row

    def _accept(self, chat: Chat, question: Kept, wanted: Wanted, turn: Turn) -> Accepted:
        job = self._job(chat, question, wanted, turn)
        draft = self._queue.draft(job, turn.sender, turn.wishes)
        accepted = engine.accept(draft)
        if not accepted.is_new:
            raise Conflict("this Idempotency-Key is being used for another request")
        llm = Prepared.of_row(job.plan).steps[0].llm
        database.rows(_BEGIN, (draft.id, chat.id, question.id, PENDING, llm, draft.id))
        _move(chat, draft.id)
        return accepted

    def _job(self, chat: Chat, question: Kept, wanted: Wanted, turn: Turn) -> AnswerChat:
        """Return the answer's job, admitted, and note in the chat how full the window is."""
        asker = turn.asker
        book = _book_of(chat)
        model = wanted.model or chat.llm or self._usual(book, turn)
        window = self._window(model, asker)
        manner = Manner.of(chat.settings, asker.ai_preferences)
        most = wanted.max_tokens or manner.max_tokens
        told = _told(chat, wanted)
        room = window - min(most or USUAL_ANSWER, window // 2)
        job = AnswerChat(
            chat_id=chat.id,
            question_id=question.id,
            model=model,
            room=room - reserved(prompt_tokens(told, wanted.options)),
            max_tokens=most,
            options={**manner.options, **wanted.options},
            form=wanted.form,
            recovery=wanted.recovery,
            caches=_caches(wanted, asker),
        )
        messages = (*told, *context_of(job).after(None))
        ask = job.ask_with(messages, falls_back=wanted.falls_back)
        admitted = job.admitted(self._admission.admit(ask, asker, turn.own))
        database.rows(_WINDOW, (prompt_tokens(messages, ask.options), window, chat.id))
        return admitted

    def _usual(self, book: Book | None, turn: Turn) -> str:
        """Return who answers when nobody is named; with an own key `auto`, which is refused."""
        if book is None or turn.own is not None:
            return AUTO
        is_public = book.visibility == PUBLIC
        return default_llm(self._planner.caller(turn.asker), is_public_book=is_public)

    def _window(self, model: str, asker: Asker) -> int:
        """Return how many tokens an LLM reads at its usual price; of `auto`, the usual one."""
        name = default_llm(self._planner.caller(asker)) if model == AUTO else model
        llm = llm_named(name)
        if llm is None:
            raise Invalid(details=[Detail("model", "There is no LLM of this name.")])
        return llm.usual_window


def _book_of(chat: Chat) -> Book | None:
    """Return the book a chat is about; raise `ResourceDeleted` when it is there no more."""
    if chat.book_id is None:
        return None
    return Book.seen_by(chat.account_id, chat.mode, chat.book_id)


def _said(chat: Chat, speech: Speech) -> Kept:
    """Write a message below the one it follows."""
    parent = _parent(chat, speech)
    if speech.role == TOOL:
        _check_call(parent, speech)
    made = new_id()
    database.rows(_SAY, (
        made, chat.id, parent and parent.id, speech.role, speech.content, speech.tool_call_id,
        speech.edited_at,
    ))  # fmt: skip
    _move(chat, made, title_of(speech.content) if speech.role == USER else "")
    kept: Kept = Kept.get_by_id(made)
    return kept


def _parent(chat: Chat, speech: Speech) -> Kept | None:
    """Return the message that comes before; raise `Conflict` when that is not written yet."""
    fresh: Chat = Chat.get_by_id(chat.id)
    if fresh.message_count >= MOST_MESSAGES:
        raise Conflict(f"a chat holds {MOST_MESSAGES} messages at most; begin another one")
    place = None if speech.is_first else speech.parent_id or fresh.head_id
    parent = None if place is None else Kept.within(chat.id, place)
    if parent is not None and parent.is_pending:
        raise Conflict("an answer is being written in this chat; wait for it, or cancel it")
    return parent


def _check_call(parent: Kept | None, speech: Speech) -> None:
    """Raise `Invalid` for the result of a call that no answer just before has made."""
    while parent is not None and parent.role == TOOL:
        parent = Kept.found(id=parent.parent_id)
    calls = parent.tool_calls if parent is not None and parent.role == ASSISTANT else ()
    if speech.tool_call_id not in {call["id"] for call in calls}:
        raise Invalid(details=[Detail("toolCallId", "The answer before made no such call.")])


def _question_of(answer: Kept) -> Kept:
    if answer.role != ASSISTANT or answer.parent_id is None:
        raise Conflict("only an answer can be given again")
    if answer.is_pending:
        raise Conflict("this answer is being written; wait for it, or cancel it")
    question: Kept = Kept.get_by_id(answer.parent_id)
    return question


def _move(chat: Chat, head: UUID, title: str = "") -> None:
    """Make a new message the last one shown, and the first one the chat's title."""
    database.rows(_MOVE, (head, 1, title, title, chat.id))


def _known(turn: Turn) -> UUID | None:
    """Return the job that a request's key made before; raise when it was another request."""
    wishes, sender = turn.wishes, turn.sender
    if wishes.idempotency_key is None:
        return None
    place = (sender.account_id, sender.mode, wishes.idempotency_key, HOURS)
    for fingerprint, job_id in database.rows(_KNOWN, place):
        if bytes(fingerprint) != wishes.fingerprint or job_id is None:
            raise IdempotencyMismatch("this Idempotency-Key was used for another request")
        return UUID(str(job_id))
    return None


def _told(chat: Chat, wanted: Wanted) -> tuple[Message, ...]:
    """Return what comes before the conversation; of a book's passages, their room."""
    room = ROOM_FOR_PASSAGES if chat.book_id else None
    parts = (chat.system_prompt, words_of(wanted.form), room)
    return tuple({"role": "system", "content": part} for part in parts if part)


def _caches(wanted: Wanted, asker: Asker) -> bool:
    usual = bool(asker.ai_preferences.get("cacheAnswers"))
    return usual if wanted.caches is None else wanted.caches
