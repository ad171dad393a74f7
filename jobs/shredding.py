"""Shredding: the steps that remove what was a person's, each safe to do again (Z-05).

Blobs go before the row that leads to them, so that a worker may die between any two statements.
Each statement takes a bounded number of rows: those of a large account would not end in time.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from peewee import SQL

from jobs.books import LOCK_CONTENT
from jobs.queue import Queue
from jobs.streams import Streams
from models.accounts import ApiKey, Person
from models.batches import Batch
from models.books import Book
from models.budgets import Budget
from models.chats import CachedAnswer, Chat, MessageFeedback, Prompt
from models.factors import Factor, Proof, RecoveryCode
from models.files import File
from models.flags import FlagRow
from models.idempotency import IdempotencyKey
from models.issuers import Identity
from models.jobs import TERMINAL, JobRow, Lane
from models.kernel.blobs import Blobs
from models.kernel.clock import Clock
from models.kernel.database import Table, database
from models.kernel.errors import Unavailable
from models.limits import RateLimit
from models.logins import LoginSession
from models.money_letters import MoneyLetter
from models.oauth import App, Authorization, Grant
from models.organizations import Invitation, Membership
from models.passkeys import Passkey
from models.people import PersonPreferences
from models.sign_ins import SignIn
from models.statements import Paper
from models.webhooks import Webhook, WebhookDelivery

AT_ONCE: Final = 500

_DROP_FILE: Final = """
delete from stored_file where sha256 = %s
and not exists (select from book where file_sha256 = stored_file.sha256) returning key
"""
_FORGET_ANSWERS: Final = """
delete from forgotten_answer where ctid in
    (select ctid from forgotten_answer where account_id = %s limit %s) returning 1
"""
_FORGET_CALLS: Final = """
update llm_call set account_id = '00000000-0000-0000-0000-000000000000' where ctid in
    (select ctid from llm_call where account_id = %s limit %s) returning 1
"""
"""What LLMs took and how they failed is counted on, for nobody."""
_FORGET_HISTORY: Final = "select person_forget(%s, %s)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shredder:
    """What a purge acts through."""

    queue: Queue
    streams: Streams
    blobs: Blobs
    clock: Clock


Step = Callable[[Person, Shredder], Iterator[None]]


def stop(person: Person, tools: Shredder) -> Iterator[None]:
    """Cancel what is queued or runs; raise `Unavailable` while something is still ending."""
    mine = (JobRow.account_id == person.account_id) & JobRow.state.not_in(sorted(TERMINAL))
    for row in list(JobRow.select().where(mine)):
        tools.queue.cancel(row)
        yield
    if JobRow.select().where(mine).exists():
        raise Unavailable("a job of this account is still ending", retry_after=10)


def books(person: Person, tools: Shredder) -> Iterator[None]:
    """Remove books, public ones too, with their pages; a file another book shows too stays."""
    for book in list(Book.select().where(Book.account_id == person.account_id)):
        shred_book(book, tools.blobs)
        yield


def shred_book(book: Book, blobs: Blobs) -> None:
    """Remove a book with its pages, and its file unless another book shows it too."""
    blobs.delete_under(f"books/{book.id.hex}")
    digest = bytes(book.file_sha256)
    with database.unit():
        database.rows(LOCK_CONTENT, (digest.hex(),))
        Book.delete().where(Book.id == book.id).execute()
        for (key,) in database.rows(_DROP_FILE, (digest,)):
            blobs.delete(key)


def batches(person: Person, tools: Shredder) -> Iterator[None]:
    """Remove batches, their lines and what was sent to them."""
    for batch in list(Batch.select().where(Batch.account_id == person.account_id)):
        if batch.input_file_id is None:
            tools.blobs.delete(batch.input_key)
        Batch.delete().where(Batch.id == batch.id).execute()
        yield


def files(person: Person, tools: Shredder) -> Iterator[None]:
    """Remove files, those of batches included."""
    for file in list(File.select().where(File.account_id == person.account_id)):
        if file.key is not None:
            tools.blobs.delete(file.key)
        File.delete().where(File.id == file.id).execute()
        yield


def rows(person: Person, _tools: Shredder) -> Iterator[None]:
    """Remove what is rows alone: chats, keys, logins, factors, wishes and the like.

    What they wrote for an organization is the organization's; its author is a tombstone.
    """
    account, me = person.account_id, person.id
    keys = [key.id.hex for key in ApiKey.select(ApiKey.id).where(ApiKey.user == me)]
    apps = App.select(App.id).where(App.user == me)
    mine: tuple[tuple[type[Table], Any], ...] = (
        (Chat, Chat.account_id == account),
        (MessageFeedback, MessageFeedback.person_id == me),
        (Prompt, Prompt.account_id == account),
        (CachedAnswer, CachedAnswer.account_id == account),
        (FlagRow, FlagRow.account_id == account),
        (Budget, Budget.account_id == account),
        (IdempotencyKey, IdempotencyKey.account_id == account),
        (RateLimit, (RateLimit.kind != "tier") & RateLimit.subject.in_([me.hex, *keys])),
        (Authorization, (Authorization.user == me) | Authorization.app.in_(apps)),
        (Grant, (Grant.user == me) | Grant.app.in_(apps)),
        (App, App.user == me),
        (Membership, Membership.user == me),
        (Invitation, Invitation.email == person.email),
        (ApiKey, ApiKey.user == me),
        (RecoveryCode, RecoveryCode.user == me),
        (Factor, Factor.user == me),
        (Passkey, Passkey.user == me),
        (Identity, Identity.user == me),
        (SignIn, SignIn.user == me),
        (Proof, Proof.user == me),
        (LoginSession, LoginSession.user == me),
        (PersonPreferences, PersonPreferences.person_id == me),
        (MoneyLetter, MoneyLetter.person_id == me),
    )
    for table, which in mine:
        yield from _some_at_a_time(table, which)
    for statement in (_FORGET_ANSWERS, _FORGET_CALLS):
        while database.rows(statement, (account, AT_ONCE)):
            yield


def _some_at_a_time(table: type[Table], which: Any) -> Iterator[None]:
    some = SQL("ctid").in_(table.select(SQL("ctid")).where(which).limit(AT_ONCE))
    while table.delete().where(some).execute():
        yield


def webhooks(person: Person, _tools: Shredder) -> Iterator[None]:
    """Remove webhooks, with what was sent to them."""
    mine = Webhook.account_id == person.account_id
    of_mine = WebhookDelivery.webhook.in_(Webhook.select(Webhook.id).where(mine))
    yield from _some_at_a_time(WebhookDelivery, of_mine)
    yield from _some_at_a_time(Webhook, mine)


def jobs(person: Person, tools: Shredder) -> Iterator[None]:
    """Remove jobs and their streams, and the letters that were sent to the person."""
    letter = (JobRow.type == "mail.send") & (JobRow.input["email"] == person.email)
    is_over = JobRow.state.in_(sorted(TERMINAL))
    mine = JobRow.select(JobRow.id).where(
        ((JobRow.account_id == person.account_id) | letter) & is_over
    )
    while found := [row.id for row in mine.limit(AT_ONCE)]:
        tools.streams.forget(found)
        JobRow.delete().where(JobRow.id.in_(found)).execute()
        yield
    is_empty = (Lane.in_flight == 0) & (Lane.waiting == 0)
    Lane.delete().where((Lane.account_id == person.account_id) & is_empty).execute()


def history(person: Person, _tools: Shredder) -> Iterator[None]:
    """Remove what running processes may not delete themselves: events, tries to log in."""
    while database.rows(_FORGET_HISTORY, (person.id, AT_ONCE))[0][0]:
        yield


def own_folder(person: Person, tools: Shredder) -> Iterator[None]:
    """Remove what is the person's own: their picture, and their statements on paper."""
    Paper.delete().where(Paper.account_id == person.account_id).execute()
    tools.blobs.delete_under(folder_of(person))
    yield


def folder_of(person: Person) -> str:
    """Return where a person's own blobs lie."""
    return f"people/{person.id.hex}"


STEPS: Final[tuple[Step, ...]] = (
    stop, books, batches, files, rows, webhooks, jobs, history, own_folder,
)  # fmt: skip
"""In this order: what runs is stopped first, what leads to blobs goes after them."""
