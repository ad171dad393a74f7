"""Files and batches as the wires show them, of one batch with a line that was answered."""

import json
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from api.examples.calls import answered, asked
from api.examples.moments import FINISHED, NOW, TOMORROW
from api.schemas.batches import batch_body, message_batch_body
from api.schemas.files import file_body
from api.schemas.wire import EXAMPLE_HOME, example_id
from jobs.wires.batch_lines import Line, message_answered
from jobs.wires.lists import anthropic_list, openai_list
from jobs.wires.wires import MESSAGES
from models.batches import ANTHROPIC, COMPLETED, OPENAI, VALIDATING, Batch
from models.files import BATCH, File
from models.kernel.ids import parse_id

OPENED: Final[Mapping[str, Any]] = {"status": VALIDATING}
STOPPING: Final[Mapping[str, Any]] = {
    "status": "in_progress", "begun_at": NOW, "cancelling_at": NOW, "total": 1,
}  # fmt: skip
DONE: Final[Mapping[str, Any]] = {
    "status": COMPLETED, "begun_at": NOW, "finalizing_at": FINISHED, "ended_at": FINISHED,
    "total": 1, "answered": 1, "cost_nano": 12_180,
}  # fmt: skip
"""Stages of a batch: its columns then."""

_CUSTOM_ID: Final = "line-1"
_LISTS: Final = {OPENAI: openai_list, ANTHROPIC: anthropic_list}


def kept_file() -> dict[str, Any]:
    """Return a file with the lines of a batch."""
    row = File(
        id=_id("file"), purpose=BATCH, name="lines.jsonl", size=214, key="files/lines",
        sha256=bytes.fromhex("5e" * 32), created_at=NOW,
    )  # fmt: skip
    return file_body(row)


def kept_files() -> dict[str, Any]:
    """Return a list of files."""
    return openai_list([kept_file()])


def forgotten_file() -> dict[str, Any]:
    """Return what is left of a file that was deleted."""
    return {"id": example_id("file"), "object": "file", "deleted": True}


def wanted_messages() -> dict[str, Any]:
    """Return a batch of messages to open."""
    return {"requests": [{"custom_id": _CUSTOM_ID, "params": asked(MESSAGES)}]}


def results() -> str:
    """Return the results of a batch of messages, one a line."""
    line = Line(custom_id=_CUSTOM_ID, wire=MESSAGES, body=asked(MESSAGES))
    return json.dumps(message_answered(line, answered(MESSAGES))) + "\n"


def batch(shape: str, stage: Mapping[str, Any] = DONE) -> dict[str, Any]:
    """Return a batch in the shape of a vendor's."""
    row = Batch(
        id=_id("batch"), job_id=_id("job"), shape=shape, endpoint="/v1/chat/completions",
        input_file_id=_id("file"), output_file_id=_id("file", 1), created_at=NOW,
        expires_at=TOMORROW, **stage,
    )  # fmt: skip
    return batch_body(row) if shape == OPENAI else message_batch_body(row, EXAMPLE_HOME)


def batches(shape: str) -> dict[str, Any]:
    """Return a list of batches in the shape of a vendor's."""
    return _LISTS[shape]([batch(shape)])


def forgotten_batch() -> dict[str, Any]:
    """Return what is left of a batch of Anthropic's that was deleted."""
    return {"id": example_id("batch"), "type": "message_batch_deleted"}


def _id(kind: str, number: int = 0) -> UUID:
    return parse_id(kind, example_id(kind, number))
