"""Opening a document, or saying why not. Only the child imports this."""

import codecs
import re
import zipfile
from pathlib import Path
from typing import Any, Final

from workers.adapters.pages import mobi
from workers.adapters.pages.engine import pymupdf
from workers.adapters.pages.refusal import Refusal
from workers.adapters.pages.tasks import Document

MOST_PAGES: Final = 20_000
UNFOLDED_BYTES: Final = 1 << 30
UNFOLDED_RATIO: Final = 200
INNOCENT_BYTES: Final = 64 << 20
ENTRIES: Final = 50_000
PLAIN_TEXT_BYTES: Final = 32 << 20
PACKAGE_BYTES: Final = 4 << 20

LOCKS: Final = frozenset({"META-INF/rights.xml", "META-INF/license.lcpl"})
"""What an EPUB under DRM carries (Adobe's, Readium's)."""

REFLOWABLE: Final = frozenset({"epub", "mobi", "txt"})


def open_document(asked: Document) -> Any:
    """Open a document with at least one page and not too many; raise `Refusal`.

    What MuPDF raises by itself means that the document is damaged.
    """
    _inspect(asked)
    document = _opened(asked)
    if document.needs_pass:
        raise Refusal("encrypted")
    pages = _laid_out(asked, document)
    if pages > MOST_PAGES:
        raise Refusal("too-large")
    if pages < 1:
        raise Refusal("corrupt" if _looks_cut_off(asked) else "empty")
    return document


def _laid_out(asked: Document, document: Any) -> int:
    """Set what flows on its sheets; return how many pages there are."""
    if asked.format in REFLOWABLE:
        width, height, font_size = asked.layout
        document.layout(width=width, height=height, fontsize=font_size)
    return len(document)


def facts_of(asked: Document, document: Any) -> dict[str, Any]:
    """Tell what a document says of itself."""
    told = document.metadata or {}
    more = _told_inside(asked, document)
    return {
        "page_count": len(document),
        "title": clean(told.get("title") or more.get("title") or "", 500) or None,
        "author": clean(told.get("author") or more.get("author") or "", 500) or None,
        "language": more.get("language") or None,
    }


def clean(text: str, most: int) -> str:
    """Drop what no database keeps: NUL and half surrogates; cut to a length."""
    return text[:most].replace("\0", "").encode("utf-8", "ignore").decode().strip()


def _opened(asked: Document) -> Any:
    if asked.format == "txt":
        return pymupdf.open(
            stream=codecs.BOM_UTF8 + _as_utf8(asked.path.read_bytes()), filetype="txt"
        )
    return pymupdf.open(str(asked.path), filetype=asked.format)


def _as_utf8(data: bytes) -> bytes:
    """Read text in the encoding it names or must have; Windows' Western one as the last resort."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace").encode()
    try:
        return data.decode("utf-8-sig").encode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace").encode()


def _inspect(asked: Document) -> None:
    """Refuse what can be told without opening it."""
    if asked.format == "txt":
        _inspect_text(asked.path.stat().st_size)
    if asked.format == "mobi" and mobi.is_locked(asked.path):
        raise Refusal("encrypted")
    if asked.format == "epub":
        _inspect_archive(asked.path)


def _inspect_text(size: int) -> None:
    if size == 0:
        raise Refusal("empty")
    if size > PLAIN_TEXT_BYTES:
        raise Refusal("too-large")


def _inspect_archive(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise Refusal("corrupt") from error
    unfolded = sum(entry.file_size for entry in entries)
    ratio = unfolded / max(path.stat().st_size, 1)
    if len(entries) > ENTRIES or unfolded > UNFOLDED_BYTES:
        raise Refusal("too-large")
    if unfolded > INNOCENT_BYTES and ratio > UNFOLDED_RATIO:
        raise Refusal("too-large")
    if any(entry.filename in LOCKS or entry.flag_bits & 1 for entry in entries):
        raise Refusal("encrypted")


def _looks_cut_off(asked: Document) -> bool:
    """Whether a PDF without pages lost its end: then it is damaged rather than empty."""
    if asked.format != "pdf":
        return False
    with asked.path.open("rb") as file:
        file.seek(max(0, asked.path.stat().st_size - 2048))
        return b"%%EOF" not in file.read()


def _told_inside(asked: Document, document: Any) -> dict[str, str]:
    """Find what MuPDF does not hand out: a PDF's or an EPUB's language, a MOBI's title."""
    if asked.format == "mobi":
        return mobi.facts(asked.path)
    if asked.format == "epub":
        return {"language": _language_tag(_package_language(asked.path))}
    if asked.format == "pdf":
        kind, value = document.xref_get_key(document.pdf_catalog(), "Lang")
        return {"language": _language_tag(value if kind == "string" else "")}
    return {}


def _package_language(path: Path) -> str:
    """Read `dc:language` from an EPUB's package file, without trusting it to be XML."""
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if entry.filename.endswith(".opf") and entry.file_size <= PACKAGE_BYTES:
                found = re.search(rb"<dc:language[^>]*>\s*([A-Za-z0-9-]+)", archive.read(entry))
                return found[1].decode() if found else ""
    return ""


def _language_tag(text: str) -> str:
    """Return a BCP 47 tag, or nothing when it is not one."""
    tag = text.strip().replace("_", "-")
    return tag if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*", tag) else ""
