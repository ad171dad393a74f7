"""The route of several requests in one."""

from api.batching import Batching
from api.endpoints import ANY_PRINCIPAL, Endpoint
from api.schemas.batching import BatchAnswers, BatchWish


def batching_routes(batching: Batching) -> tuple[Endpoint, ...]:
    """Return the endpoint that answers several requests at once."""
    return (
        Endpoint(
            method="POST",
            path="/v1/batch",
            handler=batching.on_post,
            permission=ANY_PRINCIPAL,
            summary="Several requests in one round trip",
            description="Up to 20, answered in order with the caller's credential, each with a"
            " status of its own; each counts in the limits. Streams and files are refused, as is a"
            " batch in a batch; 30 s for all.",
            tag="System",
            body=BatchWish(),
            answer=BatchAnswers(),
            live=True,
            example={
                "requests": [
                    {"id": "me", "method": "GET", "path": "/v1/users/me"},
                    {"id": "jobs", "method": "GET", "path": "/v1/jobs?status=running"},
                ]
            },
        ),
    )
