"""One factory a table: a row that the table's own rules allow, with what the test cares about set.

Each returns its row as the database then has it. `FACTORIES` names them by table; the house test
holds it complete. Rows made the way the application makes them are in `tests/rows.py`.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from jobs.pages.text import packed
from models.accounts import Person
from models.books import Book, Page, PageText, StoredFile
from models.events import Event
from models.flags import FlagRow
from models.idempotency import IdempotencyKey
from models.jobs import JobRow, Lane, QueueControl
from models.kernel.ids import new_id
from models.limits import RateLimit
from tests.batch_factories import batch, batch_line, file
from tests.chat_factories import cached_answer, chat, message, message_feedback, prompt
from tests.evaluation_factories import experiment, experiment_answer
from tests.identity_factories import identity, issuer, sign_in
from tests.key_factories import api_key, key_usage, signing_key
from tests.login_factories import (
    factor,
    guess,
    login_attempt,
    login_session,
    passkey,
    proof,
    recovery_code,
    used_challenge,
)
from tests.making import Row, account, inserted, made, numbers, person
from tests.money_factories import (
    budget,
    credit_period,
    hold,
    ledger_entry,
    ledger_note,
    money_letter,
    plan,
    purchase,
    statement,
    statement_paper,
    usage_day,
    usage_dirty,
    usage_line,
    usage_rolled,
)
from tests.oauth_factories import oauth_app, oauth_authorization, oauth_grant
from tests.organization_factories import BY_TABLE
from tests.people_factories import audit_entry, custom_role, ip_rule, person_preferences
from tests.watch_factories import alert, scheduled_run
from tests.webhook_factories import (
    webhook,
    webhook_attempt,
    webhook_delivery,
    webhook_secret,
)

FILE: Final = b"a file"
LATER: Final = datetime(2100, 1, 1, tzinfo=UTC)


def job(of: UUID | None = None, **given: Any) -> JobRow:
    """A job of an account, queued, with a place in the broker."""
    usual = {
        "account_id": of or new_id(),
        "mode": "live",
        "type": "system.echo",
        "queue": "default",
        "input": {"text": "hello"},
        "state": "queued",
        "priority": 5,
        "attempt": 0,
        "failures": 0,
        "lost": 0,
        "sends": 1,
        "completed": 0,
        "total": 0,
        "max_attempts": 5,
        "deadline_at": LATER,
    }
    return made(JobRow, {**usual, **given})


def lane(of: UUID | None = None, **given: Any) -> Lane:
    """An account's empty share of a queue."""
    usual = {"account_id": of or new_id(), "queue": "default", "in_flight": 0, "waiting": 0}
    return made(Lane, {**usual, **given}, "account_id")


def queue_control(**given: Any) -> QueueControl:
    """A word on a queue: not paused."""
    return made(QueueControl, {"queue": "default", "paused": False, **given}, "queue")


def idempotency_key(of: UUID | None = None, **given: Any) -> IdempotencyKey:
    """A key that was used once, for a request nobody remembers."""
    place = {"account_id": of or new_id(), "mode": "live", "key": f"key{next(numbers)}"}
    values = {**place, "fingerprint": b"a request", **given}
    IdempotencyKey.create(**values)
    return IdempotencyKey.taken((values["account_id"], values["mode"], values["key"]))


def event(of: UUID | None = None, **given: Any) -> Event:
    """Something that happened to an account."""
    usual = {"account_id": of or new_id(), "mode": "live", "type": "book.created", "data": {}}
    return made(Event, {**usual, **given})


def llm_call(of: UUID | None = None, **given: Any) -> Row:
    """One call to a vendor, served."""
    usual = {
        "job_id": new_id(),
        "attempt": 1,
        "step": 0,
        "account_id": of or new_id(),
        "vendor": "ilm",
        "llm": "ilm-extractive",
        "task": "general",
        "outcome": "served",
        "whole_ms": 10,
    }
    return inserted("llm_call", {**usual, **given})


def forgotten_answer(of: UUID | None = None, **given: Any) -> Row:
    """An answer that its owner deleted."""
    return inserted("forgotten_answer", {"job_id": new_id(), "account_id": of or new_id(), **given})


def flag(of: UUID | None = None, **given: Any) -> FlagRow:
    """A threat in a question, of which its author was warned."""
    usual = {
        "account_id": of or new_id(),
        "mode": "live",
        "subject_id": new_id(),
        "direction": "input",
        "category": "violence",
        "severity": "medium",
        "action": "warned",
    }
    return made(FlagRow, {**usual, **given})


def stored_file(content: bytes = FILE, **given: Any) -> StoredFile:
    """The record of a file; the blob is the test's to put."""
    digest = sha256(content).digest()
    known: StoredFile | None = StoredFile.get_or_none(StoredFile.sha256 == digest)
    if known is not None:
        return known
    key = f"files/{digest.hex()[:2]}/{digest.hex()}"
    return made(StoredFile, {"sha256": digest, "size": len(content), "key": key, **given}, "sha256")


def book(of: Person | None = None, content: bytes = FILE, **given: Any) -> Book:
    """A private book nothing has been made of yet."""
    owner = of or person()
    usual = {
        "account_id": owner.account_id,
        "owner": owner.id,
        "mode": "live",
        "title": "A Book",
        "visibility": "private",
        "format": "pdf",
        "file_sha256": bytes(stored_file(content).sha256),
        "file_size": len(content),
    }
    return made(Book, {**usual, **given})


def page(of: Book | None = None, **given: Any) -> Page:
    """A page of letter size that is not drawn yet."""
    usual = {"book": (of or book()).id, "number": 1, "width": 612.0, "height": 792.0}
    values = {**usual, **given}
    Page.create(**values)
    made: Page = Page.get(Page.book == values["book"], Page.number == values["number"])
    return made


def page_text(of: Book | None = None, **given: Any) -> PageText:
    """What a page says."""
    usual = {"book": (of or book()).id, "number": 1, "content": "Words.", "words": packed(())}
    values = {**usual, **given}
    PageText.create(**values)
    made: PageText = PageText.get(
        PageText.book == values["book"], PageText.number == values["number"]
    )
    return made


def page_wish(of: Book | None = None, **given: Any) -> Row:
    """A reader who waits for a page."""
    return inserted("page_wish", {"book_id": (of or book()).id, "number": 1, **given})


def rate_limit(**given: Any) -> RateLimit:
    """A limit that somebody has set for a tier."""
    usual = {"kind": "tier", "subject": "free", "per_minute": 50, "set_by": new_id()}
    return made(RateLimit, {**usual, **given}, "kind")


def generation(**given: Any) -> Row:
    """How often somebody's books have changed."""
    return inserted("generation", {"subject": new_id(), "scope": "books", **given})


FACTORIES: Final[Mapping[str, Callable[[], Any]]] = {
    "account": account,
    "alert": alert,
    "scheduled_run": scheduled_run,
    "person": person,
    "person_preferences": person_preferences,
    "audit_entry": audit_entry,
    "custom_role": custom_role,
    "ip_rule": ip_rule,
    **BY_TABLE,
    "api_key": api_key,
    "key_usage": key_usage,
    "signing_key": signing_key,
    "login_session": login_session,
    "login_attempt": login_attempt,
    "guess": guess,
    "passkey": passkey,
    "used_challenge": used_challenge,
    "factor": factor,
    "recovery_code": recovery_code,
    "proof": proof,
    "issuer": issuer,
    "identity": identity,
    "sign_in": sign_in,
    "oauth_app": oauth_app,
    "oauth_grant": oauth_grant,
    "oauth_authorization": oauth_authorization,
    "job": job,
    "lane": lane,
    "queue_control": queue_control,
    "rate_limit": rate_limit,
    "generation": generation,
    "idempotency_key": idempotency_key,
    "event": event,
    "credit_hold": hold,
    "ledger_entry": ledger_entry,
    "webhook": webhook,
    "webhook_secret": webhook_secret,
    "webhook_delivery": webhook_delivery,
    "webhook_attempt": webhook_attempt,
    "usage_line": usage_line,
    "usage_day": usage_day,
    "statement": statement,
    "money_letter": money_letter,
    "statement_paper": statement_paper,
    "usage_dirty": usage_dirty,
    "usage_rolled": usage_rolled,
    "plan": plan,
    "credit_period": credit_period,
    "budget": budget,
    "purchase": purchase,
    "ledger_note": ledger_note,
    "llm_call": llm_call,
    "forgotten_answer": forgotten_answer,
    "chat": chat,
    "message": message,
    "message_feedback": message_feedback,
    "prompt": prompt,
    "cached_answer": cached_answer,
    "flag": flag,
    "experiment": experiment,
    "experiment_answer": experiment_answer,
    "file": file,
    "batch": batch,
    "batch_line": batch_line,
    "stored_file": stored_file,
    "book": book,
    "page": page,
    "page_text": page_text,
    "page_wish": page_wish,
}
