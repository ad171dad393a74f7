"""The routes of batches, in OpenAI's shape and in Anthropic's (XC-02)."""

from typing import Any, Final

from api.endpoints import Endpoint
from api.examples import kept
from api.live.batches import BatchOpenings, Counter
from api.parts import Parts
from api.resources.batches import Batches, MessageBatches
from api.routes.files import TRANSFER_SECONDS, contents_of
from api.schemas import batches as shapes
from api.schemas.wire import example_id
from jobs.wires.wires import CHAT, MESSAGES
from models.batches import ANTHROPIC, OPENAI
from models.kernel import errors

LARGEST_BODY: Final = 32 * 2**20
REFUSALS: Final = (errors.RateLimitExceeded,)


def batch_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints of batches."""
    counter = Counter(
        queue=parts.queue,
        blobs=parts.blobs,
        hop=parts.hop,
        contents=contents_of(parts),
        base_url=parts.settings.base_url,
    )
    openings = BatchOpenings(counter)
    return (*_openai(parts, openings), *_anthropic(parts, openings))


def _openai(parts: Parts, openings: BatchOpenings) -> tuple[Endpoint, ...]:
    batches = Batches(parts.queue, parts.clock)
    common: dict[str, Any] = {"permission": "ai:use", "tag": "OpenAI Batches", "wire": CHAT}
    one: dict[str, Any] = {
        "path": "/v1/batches/{batch_id}",
        "errors": (errors.NotFound,),
        **common,
    }
    return (
        Endpoint(
            method="POST",
            path="/v1/batches",
            handler=openings.on_post,
            summary="Open a batch",
            description="Of a file with up to 50 000 lines, for every vendor's LLM. Each line is"
            " billed as a call of its own; answers can be read while it runs.",
            body=shapes.NewBatchSchema(),
            errors=REFUSALS,
            keyed=True,
            live=True,
            example={
                "input_file_id": example_id("file"),
                "endpoint": "/v1/chat/completions",
                "completion_window": "24h",
            },
            shows=kept.batch(OPENAI, kept.OPENED),
            **common,
        ),
        Endpoint(
            method="GET",
            path="/v1/batches",
            handler=batches.on_get,
            summary="List batches",
            query=shapes.BatchQuery(),
            shows=kept.batches(OPENAI),
            **common,
        ),
        Endpoint(
            method="GET",
            handler=batches.on_get_one,
            summary="Look at a batch",
            shows=kept.batch(OPENAI),
            **one,
        ),
        Endpoint(
            method="POST",
            handler=batches.on_post_cancel,
            summary="Cancel a batch",
            shows=kept.batch(OPENAI, kept.STOPPING),
            **{**one, "path": "/v1/batches/{batch_id}/cancel"},
        ),
    )


def _anthropic(parts: Parts, openings: BatchOpenings) -> tuple[Endpoint, ...]:
    batches = MessageBatches(
        queue=parts.queue,
        blobs=parts.blobs,
        base_url=parts.settings.base_url,
        clock=parts.clock,
    )
    common: dict[str, Any] = {
        "permission": "ai:use",
        "tag": "Anthropic Message Batches",
        "wire": MESSAGES,
    }
    path = "/v1/messages/batches"
    one: dict[str, Any] = {
        "path": f"{path}/{{batch_id}}",
        "errors": (errors.NotFound,),
        **common,
    }
    return (
        Endpoint(
            method="POST",
            path=path,
            handler=openings.on_post_messages,
            summary="Open a batch of messages",
            description="On the same engine as OpenAI's; 32 MiB at most.",
            body=shapes.NewMessageBatchSchema(),
            example=kept.wanted_messages(),
            shows=kept.batch(ANTHROPIC, kept.OPENED),
            body_limit=LARGEST_BODY,
            errors=REFUSALS,
            keyed=True,
            live=True,
            seconds=120,
            **common,
        ),
        Endpoint(
            method="GET",
            path=path,
            handler=batches.on_get,
            summary="List batches of messages",
            query=shapes.MessageBatchQuery(),
            shows=kept.batches(ANTHROPIC),
            **common,
        ),
        Endpoint(
            method="GET",
            handler=batches.on_get_one,
            summary="Look at a batch",
            shows=kept.batch(ANTHROPIC),
            **one,
        ),
        Endpoint(
            method="DELETE",
            handler=batches.on_delete,
            summary="Delete a batch",
            shows=kept.forgotten_batch(),
            **one,
        ),
        Endpoint(
            method="POST",
            handler=batches.on_post_cancel,
            summary="Cancel a batch of messages",
            shows=kept.batch(ANTHROPIC, kept.STOPPING),
            **{**one, "path": f"{path}/{{batch_id}}/cancel"},
        ),
        Endpoint(
            method="GET",
            handler=openings.on_get_results,
            summary="Read the results of a batch",
            description="JSONL in the order of the requests; while it runs, what there is.",
            media_type="application/x-jsonl",
            shows=kept.results(),
            live=True,
            seconds=TRANSFER_SECONDS,
            **{**one, "path": f"{path}/{{batch_id}}/results"},
        ),
    )
