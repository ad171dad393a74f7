"""The routes of jobs."""

from typing import Any

from api.endpoints import Endpoint
from api.live.streams import EVENT_STREAM, JobEvents
from api.parts import Parts
from api.resources.jobs import Jobs, submissions
from api.schemas.jobs import EventsQuery, JobQuery, JobSchema, NewJobSchema
from api.schemas.lists import page_of
from models.kernel.errors import (
    NotFound,
    PaymentRequired,
    RateLimitExceeded,
    ResourceDeleted,
)


def job_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints of jobs (CONTRACT §4)."""
    jobs = Jobs(parts.queue, submissions(), parts.admission)
    common: dict[str, Any] = {"tag": "Jobs"}
    return (
        Endpoint(
            method="POST",
            path="/v1/jobs",
            handler=jobs.on_post,
            permission="jobs:write",
            summary="Submit a job",
            description="202 means it is kept and will end, whatever fails meanwhile. Honours"
            " `Idempotency-Key`: the same key and body answer with the same job.",
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
            example={"type": "system.echo", "input": {"text": "hello", "chunks": 5}},
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
            errors=(NotFound,),
            **common,
        ),
    )
