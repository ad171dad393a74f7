"""Jobs: submit, look, cancel."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from falcon.asgi import Request, Response
from marshmallow import Schema, ValidationError

from api.idempotency import idempotency_key
from api.principals import Principal
from api.reading import details_of
from api.schemas.jobs import BookInput, CompletionInput, EchoInput, JobSchema
from api.schemas.lists import page_of
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


@dataclass(frozen=True, slots=True)
class Submission:
    """A type clients may submit: the schema of its input, and what makes the job value of it."""

    schema: Schema
    make: Make


def submissions() -> dict[str, Submission]:
    """Return every type a client may submit (CONTRACT §4)."""
    return {
        Echo.name: Submission(EchoInput(), lambda given, *_: Echo(**given)),
        GeneratePages.name: Submission(BookInput(), _generate),
        Complete.name: Submission(CompletionInput(), _complete),
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

    def __init__(self, queue: Queue, kinds: Mapping[str, Submission], admission: Admission) -> None:
        """Take where jobs go, what may be submitted, and who admits questions to LLMs."""
        self._queue = queue
        self._kinds = kinds
        self._admission = admission

    def on_post(self, req: Request, resp: Response) -> None:
        """Accept a job: 202 once its row is committed, whatever the broker does."""
        body, principal = req.context.body, req.context.principal
        job = self._job_of(body, principal)
        wishes = keyed(
            req, Wishes(priority=body["priority"], deadline_seconds=body["deadline_seconds"])
        )
        row = self._queue.put(job, sender_of(req), wishes)
        answer_job(resp, row)

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

    def _job_of(self, body: Mapping[str, Any], principal: Principal) -> Job:
        kind = self._kinds.get(body["type"])
        if kind is None:
            known = ", ".join(sorted(self._kinds))
            raise Invalid(details=[Detail("type", f"Must be one of: {known}.")])
        try:
            return kind.make(kind.schema.load(body["input"]), principal, self._admission)
        except ValidationError as error:
            raise Invalid(details=list(details_of(error.messages, "input"))) from error


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
    return Sender(principal.account_id, principal.mode, req.context.request_id)


def answer_job(resp: Response, row: JobRow) -> None:
    """Answer 202 with a job and its place."""
    resp.media = job_body(row)
    resp.set_header("Location", f"/v1/jobs/{wire_id('job', row.id)}")


def _owned(req: Request, job_id: UUID) -> JobRow:
    principal = req.context.principal
    return JobRow.owned_by(principal.account_id, principal.mode, job_id)
