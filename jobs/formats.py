"""Formats: what a file is, told from its first bytes and never from its name (K-04)."""

import re
from typing import Final, Literal

Format = Literal["pdf", "epub", "mobi", "txt"]

HEAD_BYTES: Final = 4096
"""How many of a file's first bytes `format_of` wants."""

MIME_TYPES: Final[dict[Format, str]] = {
    "pdf": "application/pdf",
    "epub": "application/epub+zip",
    "mobi": "application/x-mobipocket-ebook",
    "txt": "text/plain; charset=utf-8",
}

_PDF_WITHIN: Final = 1024
_EPUB: Final = b"mimetypeapplication/epub+zip"
_EPUB_AT: Final = 30
_MOBI: Final = b"BOOKMOBI"
_MOBI_AT: Final = 60
_BINARY: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_LONGEST_CHARACTER: Final = 4


def format_of(head: bytes) -> Format | None:
    """Return the format of a file that begins with these bytes, None for one that is not taken.

    PDF: `%PDF-` within the first 1024 bytes (ISO 32000-1, annex H). EPUB: the OCF container's
    first entry. MOBI: the PalmDB type. Text: UTF-8 without control characters.
    """
    if b"%PDF-" in head[:_PDF_WITHIN]:
        return "pdf"
    if head.startswith(b"PK") and head[_EPUB_AT:].startswith(_EPUB):
        return "epub"
    if head[_MOBI_AT:].startswith(_MOBI):
        return "mobi"
    return "txt" if _is_text(head) else None


def _is_text(head: bytes) -> bool:
    if not head.strip() or _BINARY.search(head):
        return False
    for cut in range(_LONGEST_CHARACTER):
        try:
            head[: len(head) - cut].decode("utf-8")
        except UnicodeDecodeError:
            continue
        return True
    return False
