"""Factories of files and batches: see `tests/factories.py`, which names them all."""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from models.batches import Batch, BatchLine
from models.files import File
from models.kernel.ids import derived_id, new_id
from tests.making import account, made, numbers

LATER: Final = datetime(2100, 1, 1, tzinfo=UTC)


def file(of: UUID | None = None, **given: Any) -> File:
    """A file somebody has uploaded; the blob is the test's to put."""
    usual = {
        "account_id": of or account().id,
        "mode": "live",
        "purpose": "user_data",
        "name": "notes.txt",
        "key": f"file{next(numbers)}",
    }
    return made(File, {**usual, **given})


def batch(of: UUID | None = None, **given: Any) -> Batch:
    """A batch whose file nobody has looked at yet; its job is the test's to make."""
    owner = of or account().id
    usual = {
        "account_id": owner,
        "mode": "live",
        "job_id": new_id(),
        "shape": "openai",
        "endpoint": "/v1/chat/completions",
        "input_key": "nowhere",
        "output_file_id": file(owner, purpose="batch_output", key=None).id,
        "error_file_id": file(owner, purpose="batch_output", key=None).id,
        "tier": "premium",
        "expires_at": LATER,
    }
    return made(Batch, {**usual, **given})


def batch_line(of: Batch | None = None, **given: Any) -> BatchLine:
    """A line that waits for its first answer."""
    owner = of or batch(total=1)
    number = given.get("number", 1)
    usual = {
        "id": derived_id(owner.id, str(number)),
        "batch_id": owner.id,
        "number": number,
        "custom_id": f"line-{number}",
        "wire": "chat",
        "asked": "{}",
    }
    return made(BatchLine, {**usual, **given})
