"""Formats: told from the first bytes, whatever the name says (K-04)."""

import pytest

from jobs.formats import HEAD_BYTES, MIME_TYPES, Format, format_of
from tests import documents

KNOWN: dict[str, tuple[bytes, Format]] = {
    "pdf": (documents.text_pdf("page"), "pdf"),
    "pdf after some noise": (b"noise\n" * 100 + b"%PDF-1.4", "pdf"),
    "pdf at the last place": (b" " * 1019 + b"%PDF-", "pdf"),
    "an encrypted pdf": (documents.encrypted_pdf(), "pdf"),
    "a truncated pdf": (documents.truncated_pdf(), "pdf"),
    "epub": (documents.epub("chapter"), "epub"),
    "a locked epub": (documents.locked_epub(), "epub"),
    "mobi": (documents.mobi("text"), "mobi"),
    "text": (b"plain text", "txt"),
    "text with a mark": (b"\xef\xbb\xbfplain text", "txt"),
    "text in many scripts": ("عربي 中文 हिन्दी".encode(), "txt"),
    "text with tabs and form feeds": (b"a\tb\r\nc\x0cd\x1b[0m", "txt"),
}


@pytest.mark.parametrize("name", KNOWN)
def test_a_format_is_told(name: str) -> None:
    content, kind = KNOWN[name]

    assert format_of(content[:HEAD_BYTES]) == kind
    assert kind in MIME_TYPES


@pytest.mark.parametrize("cut", range(1, 4))
def test_a_character_cut_at_the_end_of_the_head_is_no_reason_to_refuse(cut: int) -> None:
    assert format_of(("a" * 100 + "𝄞").encode()[:-cut]) == "txt"


OTHERS = {
    "nothing": b"",
    "spaces": b" \n\t ",
    "a program": b"MZ\x90\0",
    "an elf": b"\x7fELF\x02\x01",
    "a zip": b"PK\x03\x04\x14\0\0\0\0\0",
    "a docx": b"PK\x03\x04" + b"\0" * 26 + b"[Content_Types].xml",
    "a name inside the zip that only mentions it": b"PK\x03\x04" + b"\0" * 30
    + b"mimetypeapplication/epub+zip",
    "a picture": b"\xff\xd8\xff\xe0",
    "latin-1": b"caf\xe9 au lait " * 10,
    "utf-16": "text".encode("utf-16"),
    "text with a NUL": b"text\0text",
    "text that goes wrong in the middle": b"good \xff good " + b"a" * 50,
    "pdf too late": b"\0" * 1024 + b"%PDF-1.4",
    "a palm database of another kind": b"book".ljust(60, b"\0") + b"TEXtREAd",
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_book_is_none(name: str) -> None:
    assert format_of(OTHERS[name]) is None
