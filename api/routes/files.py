"""The routes of files (K-12, XC-02)."""

from typing import Any, Final

from api.endpoints import Endpoint
from api.examples import kept
from api.live.files import BYTES, FileContents
from api.live.uploads import Receiver
from api.parts import Parts
from api.resources.files import Files
from api.schemas.files import FileQuery, FileUpload
from jobs.files import LARGEST
from jobs.wires.wires import CHAT
from models.kernel import errors

TRANSFER_SECONDS: Final = 3_600


def file_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints of files."""
    files, contents = Files(parts.blobs, parts.clock), contents_of(parts)
    common: dict[str, Any] = {"permission": "ai:use", "tag": "Files", "wire": CHAT}
    one: dict[str, Any] = {"path": "/v1/files/{file_id}", "errors": (errors.NotFound,), **common}
    return (
        Endpoint(
            method="POST",
            path="/v1/files",
            handler=contents.on_post,
            summary="Upload a file",
            description="In the shape of OpenAI's Files, for its own SDK: 200 MB at most.",
            form=FileUpload(),
            shows=kept.kept_file(),
            errors=(errors.PayloadTooLarge, errors.UnsupportedMediaType),
            keyed=True,
            live=True,
            seconds=TRANSFER_SECONDS,
            **common,
        ),
        Endpoint(
            method="GET",
            path="/v1/files",
            handler=files.on_get,
            summary="List files",
            query=FileQuery(),
            shows=kept.kept_files(),
            **common,
        ),
        Endpoint(
            method="GET",
            handler=files.on_get_one,
            summary="Look at a file",
            shows=kept.kept_file(),
            **one,
        ),
        Endpoint(
            method="DELETE",
            handler=files.on_delete,
            summary="Delete a file",
            shows=kept.forgotten_file(),
            **one,
        ),
        Endpoint(
            method="GET",
            handler=contents.on_get,
            summary="Download a file",
            description="What a running batch writes can be read while it is written.",
            media_type=BYTES,
            live=True,
            seconds=TRANSFER_SECONDS,
            **{**one, "path": "/v1/files/{file_id}/content"},
        ),
    )


def contents_of(parts: Parts) -> FileContents:
    """Return what sends and receives files."""
    return FileContents(Receiver(parts.blobs, LARGEST), parts.blobs, parts.hop)
