"""The routes of jobs."""

from typing import Any

from api.endpoints import EVENT_STREAM, Endpoint
from api.examples.jobs import queued, watched
from api.live.streams import JobEvents
from api.parts import Parts
from api.resources.jobs import Jobs, submissions
from api.schemas.jobs import EventsQuery, JobQuery, JobSchema, NewJobSchema
from api.schemas.lists import page_of
from api.schemas.wire import EXAMPLE_MOMENT
from jobs.system import Echo
from models.kernel.denials import PaymentRequired
from models.kernel.errors import NotFound, RateLimitExceeded, ResourceDeleted


def job_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints of jobs (CONTRACT §4)."""
    jobs = Jobs(parts.queue, submissions(), parts.admission, parts.limits)
    common: dict[str, Any] = {"tag": "Jobs"}
    return (
        Endpoint(
            method="POST",
            path="/v1/jobs",
            handler=jobs.on_post,
            permission="jobs:write",
            summary="Submit a job",
            description="202 means it is kept and will end, whatever fails meanwhile. Honours"
            " `Idempotency-Key`: the same key and body answer with the same job."
            " `llm.completion` is an AI request: it needs `ai:use` too, and `books:read` when it is"
            " about a book; `pages.generate` needs `books:write`.",
            body=NewJobSchema(),
            answer=JobSchema(),
            status=202,
            errors=(
                NotFound,
                PaymentRequired,
                RateLimitExceeded,
                ResourceDeleted,
            ),
            keyed=True,
            example={"type": Echo.name, "input": {"text": "hello", "chunks": 5}},
            shows=queued(Echo.name),
            **common,
        ),
        Endpoint(
            method="GET",
            path="/v1/jobs",
            handler=jobs.on_get,
            permission="jobs:read",
            summary="List my jobs",
            query=JobQuery(),
            answer=page_of(JobSchema),
            **common,
        ),
        Endpoint(
            method="GET",
            path="/v1/jobs/{job_id}",
            handler=jobs.on_get_one,
            permission="jobs:read",
            summary="Look at a job",
            answer=JobSchema(),
            errors=(NotFound,),
            **common,
        ),
        Endpoint(
            method="GET",
            path="/v1/jobs/{job_id}/events",
            handler=JobEvents(parts.hub, parts.hop).on_get,
            permission="jobs:read",
            summary="Watch a job",
            description="Server-Sent Events: `status`, `progress`, `delta`, `restart`, `snapshot`"
            " and, last, `end`. Resumes after `Last-Event-ID`, or `starting_after`, on any"
            " instance.",
            query=EventsQuery(),
            media_type=EVENT_STREAM,
            shows=watched(),
            errors=(NotFound,),
            live=True,
            **common,
        ),
        Endpoint(
            method="POST",
            path="/v1/jobs/{job_id}/cancel",
            handler=jobs.on_post_cancel,
            permission="jobs:write",
            summary="Cancel a job",
            description="A queued job is over at once; a running one ends within seconds.",
            answer=JobSchema(),
            shows={"status": "cancelled", "finishedAt": EXAMPLE_MOMENT},
            errors=(NotFound,),
            **common,
        ),
    )
