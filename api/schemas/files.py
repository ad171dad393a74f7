"""Files on the wire: in the shape of OpenAI's, with our fields in `x_ilm` (K-12, XC-02)."""

from typing import Any

from marshmallow import EXCLUDE, INCLUDE, Schema, fields, validate

from api.schemas.wire import FileField
from models.files import BATCH_OUTPUT, PURPOSES, File
from models.kernel.ids import wire_id

USUAL_LIMIT = 100
MOST = 1_000
DIGITS = r"\A[1-9][0-9]{0,4}\Z"


class FileUpload(Schema):
    """A file to keep, as a form; other fields of a vendor's client are let through."""

    class Meta:
        """marshmallow's configuration."""

        unknown = INCLUDE

    file = FileField(
        required=True,
        metadata={"type": "string", "format": "binary", "example": "(the bytes of lines.jsonl)"},
    )
    purpose = fields.String(required=True, validate=validate.OneOf(PURPOSES))


class FileFields(Schema):
    """The fields around an uploaded file."""

    class Meta:
        """marshmallow's configuration."""

        unknown = EXCLUDE

    purpose = fields.String(required=True, validate=validate.OneOf(PURPOSES))


class FileQuery(Schema):
    """Which files to list."""

    class Meta:
        """marshmallow's configuration."""

        unknown = EXCLUDE

    after = fields.String(validate=validate.Length(max=100))
    limit = fields.String(validate=validate.Regexp(DIGITS))
    order = fields.String(validate=validate.OneOf(["asc", "desc"]))
    purpose = fields.String(validate=validate.OneOf([*PURPOSES, BATCH_OUTPUT]))


def file_body(file: File, size: int | None = None) -> dict[str, Any]:
    """Write a file; `size` is of one that is still being written."""
    sha256 = None if file.sha256 is None else bytes(file.sha256).hex()
    return {
        "id": wire_id("file", file.id),
        "object": "file",
        "bytes": file.size if size is None else size,
        "created_at": int(file.created_at.timestamp()),
        "filename": file.name,
        "purpose": file.purpose,
        "status": "processed",
        "expires_at": None,
        "x_ilm": {"sha256": sha256, "is_whole": file.key is not None},
    }
