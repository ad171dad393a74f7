"""Makers of documents, good and bad, written byte by byte so that no library stands between."""

import io
import struct
import zipfile
import zlib
from collections.abc import Sequence
from typing import Final

LETTER: Final = (612, 792)
BLACK_AND_WHITE: Final = "0 g"

_BLANKS: Final = 1 << 20


def pdf(
    contents: Sequence[str | bytes],
    *,
    size: tuple[float, float] = LETTER,
    forms: Sequence[tuple[str, str]] = (),
    trailer: str = "",
    filters: str = "",
    catalog: str = "",
) -> bytes:
    """Write a PDF of one page per content stream, its catalog last.

    `forms` are named content streams that the pages and later forms may draw (`/Name Do`).
    """
    resources = "<< /Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> "
    first_form = 3 + 2 * len(contents)
    names = " ".join(f"/{name} {first_form + at} 0 R" for at, (name, _) in enumerate(forms))
    resources += f"/XObject << {names} >> >>"
    box = f"[0 0 {size[0]} {size[1]}]"
    kids = " ".join(f"{3 + 2 * at} 0 R" for at in range(len(contents)))
    objects: dict[int, bytes] = {}
    for at, content in enumerate(contents):
        data = content if isinstance(content, bytes) else content.encode("latin-1")
        page = f"<< /Type /Page /Parent 2 0 R /MediaBox {box} /Resources {resources} "
        objects[3 + 2 * at] = f"{page}/Contents {4 + 2 * at} 0 R >>".encode()
        objects[4 + 2 * at] = _stream(filters, data)
    for at, (_, content) in enumerate(forms):
        head = f"/Type /XObject /Subtype /Form /BBox {box} /Resources {resources}"
        objects[first_form + at] = _stream(head, content.encode())
    objects[2] = f"<< /Type /Pages /Kids [{kids}] /Count {len(contents)} >>".encode()
    objects[1] = f"<< /Type /Catalog /Pages 2 0 R {catalog} >>".encode()
    return _file(objects, trailer)


def text_pdf(*pages: str, title: str = "", language: str = "") -> bytes:
    """Write a PDF whose pages say these things, a line break as a new line, in black."""
    catalog = f"/Lang ({language})" if language else ""
    contents = [_typed(page) for page in pages]
    return pdf(contents, trailer=f"/Info << /Title ({title}) >>", catalog=catalog)


def book_pdf(pages: int) -> bytes:
    """Write a PDF of full pages of small type, the kind most books are made of."""
    line = "In the beginning of every book there is a page, and on it stand {} words or more."
    return text_pdf(
        *("\n".join(line.format(number * 50 + row) for row in range(50)) for number in range(pages))
    )


def encrypted_pdf() -> bytes:
    """Write a PDF that wants a password nobody has."""
    secret = "41" * 32
    key = f"/Encrypt << /Filter /Standard /V 1 /R 2 /O <{secret}> /U <{secret}> /P -4 >>"
    return pdf([_typed("secret")], trailer=f"{key} /ID [<00> <00>]")


def truncated_pdf() -> bytes:
    """Write a PDF whose end, and with it the list of its pages, is gone."""
    whole = text_pdf("one", "two", "three")
    return whole[: whole.index(b"/Type /Pages") - 12]


def empty_pdf() -> bytes:
    """Write a whole PDF without a page."""
    return pdf([])


def poster_pdf() -> bytes:
    """Write a page of 18 000 × 36 000 points."""
    return pdf(["0 g 0 0 9000 18000 re f"], size=(18_000, 36_000))


def needle_pdf() -> bytes:
    """Write a page of 1 × 14 400 points."""
    return pdf(["0 g 0 0 1 7200 re f"], size=(1, 14_400))


def colour_pdf() -> bytes:
    """Write a page with a large red square."""
    return pdf(["1 0 0 rg 100 100 400 400 re f"])


def faint_pdf() -> bytes:
    """Write a black page of type with one pale yellow mark, a point wide."""
    return pdf([_typed("all black") + "\n1 1 0.9 rg 300 400 1 1 re f"])


def time_bomb_pdf(before: int = 0, after: int = 0) -> bytes:
    """Write a PDF with one page that takes longer than anybody's life, between good ones."""
    depth, times = 12, 10
    forms = [("N0", "0 0 1 1 re f")]
    forms += [(f"N{at}", f"/N{at - 1} Do " * times) for at in range(1, depth)]
    good = _typed("good")
    return pdf([good] * before + [f"/N{depth - 1} Do"] + [good] * after, forms=forms)


def flate_bomb_pdf(megabytes: int = 2048) -> bytes:
    """Write a page whose few kilobytes unfold, twice, into that many megabytes of nothing."""
    inner = _repeated(b" " * _BLANKS, megabytes)
    return pdf([zlib.compress(inner, 9)], filters="/Filter [/FlateDecode /FlateDecode]")


def epub(*chapters: str, title: str = "A Book", language: str = "en") -> bytes:
    """Write an EPUB 3, a chapter a file, a line break as a new paragraph."""
    names = [f"chapter{number}.xhtml" for number in range(1, len(chapters) + 1)]
    items = "".join(
        f'<item id="c{at}" href="{name}" media-type="application/xhtml+xml"/>'
        for at, name in enumerate(names)
    )
    spine = "".join(f'<itemref idref="c{at}"/>' for at in range(len(names)))
    package = (
        '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:title>{title}</dc:title><dc:creator>Anon</dc:creator>"
        f"<dc:language>{language}</dc:language></metadata>"
        f"<manifest>{items}</manifest><spine>{spine}</spine></package>"
    )
    container = (
        '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
        '<rootfiles><rootfile full-path="book.opf" '
        'media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    files = {"META-INF/container.xml": container, "book.opf": package}
    for name, chapter in zip(names, chapters, strict=True):
        body = "".join(f"<p>{line}</p>" for line in chapter.splitlines())
        files[name] = f'<html xmlns="http://www.w3.org/1999/xhtml"><body>{body}</body></html>'
    return _zipped(files)


def epub_bomb() -> bytes:
    """Write an EPUB of a few hundred kilobytes that unfolds into 300 MB."""
    return epub(" " * (300 << 20))


def locked_epub() -> bytes:
    """Write an EPUB that carries a shop's lock."""
    return _zipped({"META-INF/rights.xml": "<rights/>", "book.opf": "<package/>"})


def mobi(
    text: str, *, title: str = "A Book", author: str = "Anon", is_locked: bool = False
) -> bytes:
    """Write a MOBI of one text record, uncompressed."""
    html = f"<html><body><p>{text}</p></body></html>".encode()
    extras = [(100, author.encode()), (503, title.encode())]
    block = b"".join(struct.pack(">II", kind, 8 + len(value)) + value for kind, value in extras)
    block = struct.pack(">4sII", b"EXTH", 12 + len(block), len(extras)) + block
    head = struct.pack(">HHIHHHH", 1, 0, len(html), 1, 4096, 2 if is_locked else 0, 0)
    names_at = 16 + 232 + len(block)
    mobi_head = struct.pack(">4sIIIII", b"MOBI", 232, 2, 65001, 7, 6)
    mobi_head = mobi_head.ljust(68, b"\xff")
    mobi_head += struct.pack(">III", names_at, len(title.encode()), 9)
    mobi_head = mobi_head.ljust(112, b"\0") + struct.pack(">I", 0x40)
    first = head + mobi_head.ljust(232, b"\0") + block + title.encode() + b"\0\0"
    return _palm_database([first, html])


def _palm_database(records: Sequence[bytes]) -> bytes:
    head = b"book".ljust(32, b"\0") + struct.pack(">HHIIIIII", 0, 0, 0, 0, 0, 0, 0, 0)
    head += b"BOOKMOBI" + struct.pack(">IIH", 1, 0, len(records))
    at = len(head) + 8 * len(records) + 2
    table = b""
    for number, record in enumerate(records):
        table += struct.pack(">II", at, number)
        at += len(record)
    return head + table + b"\0\0" + b"".join(records)


def _typed(text: str) -> str:
    lines = text.translate({ord(sign): f"\\{sign}" for sign in "\\()"}).splitlines()
    shown = " ".join(f"({line}) Tj T*" for line in lines)
    return f"BT /F 11 Tf 14 TL 72 720 Td {BLACK_AND_WHITE} {shown} ET"


def _stream(entries: str, data: bytes) -> bytes:
    return f"<< {entries} /Length {len(data)} >>\nstream\n".encode() + data + b"\nendstream"


def _file(objects: dict[int, bytes], trailer: str) -> bytes:
    """Lay out numbered objects, those with the highest numbers first, and their table."""
    out = io.BytesIO()
    out.write(b"%PDF-1.7\n")
    places = {}
    for number in sorted(objects, reverse=True):
        places[number] = out.tell()
        out.write(f"{number} 0 obj\n".encode() + objects[number] + b"\nendobj\n")
    table_at = out.tell()
    count = max(objects) + 1
    out.write(f"xref\n0 {count}\n0000000000 65535 f \n".encode())
    for number in range(1, count):
        out.write(f"{places[number]:010d} 00000 n \n".encode())
    out.write(f"trailer\n<< /Size {count} /Root 1 0 R {trailer} >>\n".encode())
    out.write(f"startxref\n{table_at}\n%%EOF\n".encode())
    return out.getvalue()


def _repeated(piece: bytes, times: int) -> bytes:
    """Deflate a piece repeated, by repeating one deflated, since blocks may stand alone."""
    packer = zlib.compressobj(9)
    start = packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)
    return start + again * (times - 1) + packer.flush()


def _zipped(files: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()
