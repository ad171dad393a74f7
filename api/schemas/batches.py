"""Batches on the wires: in OpenAI's shape and in Anthropic's (XC-02)."""

from datetime import datetime
from typing import Any, Final

from marshmallow import EXCLUDE, INCLUDE, Schema, fields, validate

from api.schemas.files import DIGITS
from api.schemas.wire import Id
from jobs.wires.batch_lines import URLS
from models.batches import CANCELLED, COMPLETED, EXPIRED, FAILED, Batch
from models.kernel.clock import wire_time
from models.kernel.ids import wire_id

USUAL_LIMIT: Final = 20
MOST: Final = 100
MOST_METADATA: Final = 16


class NewBatchSchema(Schema):
    """A batch of OpenAI's to open; other fields of its client are let through."""

    class Meta:
        """marshmallow's configuration."""

        unknown = INCLUDE

    input_file_id = Id("file", required=True)
    endpoint = fields.String(required=True, validate=validate.OneOf(list(URLS)))
    completion_window = fields.String(required=True, validate=validate.Equal("24h"))
    metadata = fields.Dict(
        keys=fields.String(validate=validate.Length(max=64)),
        values=fields.String(validate=validate.Length(max=512)),
        validate=validate.Length(max=MOST_METADATA),
        allow_none=True,
        load_default=None,
    )


class NewMessageBatchSchema(Schema):
    """A batch of Anthropic's to open."""

    class Meta:
        """marshmallow's configuration."""

        unknown = INCLUDE

    requests = fields.List(
        fields.Dict(keys=fields.String()), required=True, validate=validate.Length(min=1)
    )


class BatchQuery(Schema):
    """Which batches of OpenAI's to list."""

    class Meta:
        """marshmallow's configuration."""

        unknown = EXCLUDE

    after = fields.String(validate=validate.Length(max=100))
    limit = fields.String(validate=validate.Regexp(DIGITS))


class MessageBatchQuery(Schema):
    """Which batches of Anthropic's to list."""

    class Meta:
        """marshmallow's configuration."""

        unknown = EXCLUDE

    after_id = fields.String(validate=validate.Length(max=100))
    before_id = fields.String(validate=validate.Length(max=100))
    limit = fields.String(validate=validate.Regexp(DIGITS))


def batch_body(batch: Batch) -> dict[str, Any]:
    """Write a batch as OpenAI does. `failed` counts the lines of the error file."""
    never_run = batch.waiting if batch.is_over else 0
    return {
        "id": wire_id("batch", batch.id),
        "object": "batch",
        "endpoint": batch.endpoint,
        "errors": {"object": "list", "data": batch.faults} if batch.faults else None,
        "input_file_id": _file_id(batch.input_file_id),
        "completion_window": "24h",
        "status": _status(batch),
        "output_file_id": _file_id(batch.output_file_id),
        "error_file_id": _file_id(batch.error_file_id),
        "created_at": _seconds(batch.created_at),
        "in_progress_at": _seconds(batch.begun_at),
        "expires_at": _seconds(batch.expires_at),
        "finalizing_at": _seconds(batch.finalizing_at),
        **{f"{end}_at": _ended(batch, end) for end in (COMPLETED, FAILED, EXPIRED, CANCELLED)},
        "cancelling_at": _seconds(batch.cancelling_at),
        "request_counts": {
            "total": batch.total,
            "completed": batch.answered,
            "failed": batch.failed + batch.cancelled + never_run,
        },
        "metadata": batch.metadata,
        "x_ilm": _ours(batch),
    }


def message_batch_body(batch: Batch, base_url: str) -> dict[str, Any]:
    """Write a batch as Anthropic does; its counts are right at any time, not at the end alone."""
    name = wire_id("batch", batch.id)
    never_run = batch.waiting if batch.is_over else 0
    expired = never_run if batch.status == EXPIRED else 0
    cancelled = never_run if batch.status == CANCELLED else 0
    return {
        "id": name,
        "type": "message_batch",
        "processing_status": _processing(batch),
        "request_counts": {
            "processing": batch.waiting - never_run,
            "succeeded": batch.answered,
            "errored": batch.failed + never_run - expired - cancelled,
            "canceled": batch.cancelled + cancelled,
            "expired": expired,
        },
        "created_at": wire_time(batch.created_at),
        "expires_at": wire_time(batch.expires_at),
        "ended_at": batch.ended_at and wire_time(batch.ended_at),
        "cancel_initiated_at": batch.cancelling_at and wire_time(batch.cancelling_at),
        "archived_at": None,
        "results_url": f"{base_url}/v1/messages/batches/{name}/results" if batch.is_over else None,
        "x_ilm": _ours(batch),
    }


def _ours(batch: Batch) -> dict[str, str]:
    return {"job_id": wire_id("job", batch.job_id), "cost_nano_usd": batch.cost.wire}


def _status(batch: Batch) -> str:
    is_cancelling = batch.cancelling_at is not None and not batch.is_over
    return "cancelling" if is_cancelling else str(batch.status)


def _processing(batch: Batch) -> str:
    if batch.is_over:
        return "ended"
    return "canceling" if batch.cancelling_at is not None else "in_progress"


def _ended(batch: Batch, status: str) -> int | None:
    return _seconds(batch.ended_at) if batch.status == status else None


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())


def _file_id(file_id: Any) -> str | None:
    return None if file_id is None else wire_id("file", file_id)
