"""Jobs: submit, look, cancel."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from falcon.asgi import Request, Response
from marshmallow import Schema, ValidationError

from api.endpoints import ANY_PRINCIPAL
from api.idempotency import idempotency_key
from api.limits import Limits
from api.own_keys import refuse_own_key
from api.principals import Principal
from api.reading import details_of
from api.schemas.jobs import BookInput, CompletionInput, EchoInput, JobSchema
from api.schemas.lists import page_of
from api.spending import spent_by
from jobs.job import Job
from jobs.llms.admission import Admission
from jobs.llms.complete import Complete
from jobs.llms.router import AUTO
from jobs.pages.generate import GeneratePages
from jobs.queue import Queue, Sender, Wishes, job_body
from jobs.system import Echo
from models.books import Book
from models.idempotency import fingerprint
from models.jobs import JobRow
from models.kernel.errors import Detail, Invalid
from models.kernel.ids import wire_id
from models.listings import Listing
from models.llms import llm_named

Make = Callable[[Mapping[str, Any], Principal, Admission], Job]


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A type clients may submit: the schema of its input, and what makes the job value of it."""

    schema: Schema
    make: Make
    permission: str = ANY_PRINCIPAL
    """What it needs beside `jobs:write`."""
    on_book: str = ANY_PRINCIPAL
    """What it needs when it is about a book."""
    asks_llm: bool = False
    """Whether it counts as an AI request (L-03)."""

    def check(self, given: Mapping[str, Any], principal: Principal) -> None:
        """Raise `InsufficientPermissions` for who may not do that to what is given (A-23)."""
        if given.get("book_id") is not None:
            principal.require(self.on_book)


def submissions() -> dict[str, Submission]:
    """Return every type a client may submit (CONTRACT §4)."""
    return {
        Echo.name: Submission(schema=EchoInput(), make=lambda given, *_: Echo(**given)),
        GeneratePages.name: Submission(schema=BookInput(), make=_generate, on_book="books:write"),
        Complete.name: Submission(
            schema=CompletionInput(),
            make=_complete,
            permission="ai:use",
            on_book="books:read",
            asks_llm=True,
        ),
    }


def _generate(given: Mapping[str, Any], principal: Principal, _admission: Admission) -> Job:
    book = Book.owned_by(principal.account_id, principal.mode, given["book_id"])
    return GeneratePages(book.id)


def _complete(given: Mapping[str, Any], principal: Principal, admission: Admission) -> Job:
    if given["model"] != AUTO and llm_named(given["model"]) is None:
        raise Invalid(details=[Detail("input.model", "There is no LLM of this name.")])
    if given["book_id"] is not None:
        Book.seen_by(principal.account_id, principal.mode, given["book_id"])
    job = Complete(**{**given, "messages": tuple(given["messages"])})
    admitted = admission.admit(job.ask, principal)
    return replace(job, plan=admitted.plan.to_row(), screened=admitted.screened.to_row())


class Jobs:
    """The jobs of an account."""

    def __init__(
        self,
        queue: Queue,
        kinds: Mapping[str, Submission],
        admission: Admission,
        limits: Limits,
    ) -> None:
        """Take where jobs go, what may be submitted, who admits questions, and what limits them."""
        self._queue = queue
        self._kinds = kinds
        self._admission = admission
        self._limits = limits

    def on_post(self, req: Request, resp: Response) -> None:
        """Accept a job: 202 once its row is committed, whatever the broker does."""
        refuse_own_key(req)
        body = req.context.body
        job = self._job_of(req, body)
        wishes = keyed(
            req, Wishes(priority=body["priority"], deadline_seconds=body["deadline_seconds"])
        )
        row = self._queue.put(job, sender_of(req), wishes)
        answer_job(resp, spent_by(req, row))

    def on_get(self, req: Request, resp: Response) -> None:
        """List jobs, newest first."""
        principal, query = req.context.principal, dict(req.context.query)
        rows = JobRow.of_account(principal.account_id, principal.mode)
        if kinds := query.pop("type", None):
            rows = rows.where(JobRow.type.in_(kinds))
        if states := query.pop("status", None):
            rows = rows.where(JobRow.state.in_(states))
        listing = Listing.of(rows, **query)
        pagination = page_of(JobSchema).dump(listing)["pagination"]
        resp.media = {"data": [job_body(row) for row in listing.data], "pagination": pagination}

    def on_get_one(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Show a job."""
        resp.media = job_body(_owned(req, job_id))

    def on_post_cancel(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Cancel a job in any state; of one that is over, nothing changes."""
        resp.media = job_body(self._queue.cancel(_owned(req, job_id)))

    def _job_of(self, req: Request, body: Mapping[str, Any]) -> Job:
        principal: Principal = req.context.principal
        kind = self._kinds.get(body["type"])
        if kind is None:
            known = ", ".join(sorted(self._kinds))
            raise Invalid(details=[Detail("type", f"Must be one of: {known}.")])
        principal.require(kind.permission)
        if kind.asks_llm:
            self._limits.count_question(req)
        try:
            given = kind.schema.load(body["input"])
        except ValidationError as error:
            raise Invalid(details=list(details_of(error.messages, "input"))) from error
        kind.check(given, principal)
        return kind.make(given, principal, self._admission)


def keyed(req: Request, wishes: Wishes) -> Wishes:
    """Return wishes with the request's Idempotency-Key, if it has one."""
    key = idempotency_key(req)
    if key is None:
        return wishes
    wanted = fingerprint(req.method, req.path, req.context.given)
    return replace(wishes, idempotency_key=key, fingerprint=wanted)


def sender_of(req: Request) -> Sender:
    """Return on whose behalf a request submits jobs."""
    principal = req.context.principal
    return Sender(
        principal.account_id,
        principal.mode,
        req.context.request_id,
        principal.user_id,
        principal.key_id,
    )


def answer_job(resp: Response, row: JobRow) -> None:
    """Answer 202 with a job and its place."""
    resp.media = job_body(row)
    resp.set_header("Location", f"/v1/jobs/{wire_id('job', row.id)}")


def _owned(req: Request, job_id: UUID) -> JobRow:
    principal = req.context.principal
    return JobRow.owned_by(principal.account_id, principal.mode, job_id)
