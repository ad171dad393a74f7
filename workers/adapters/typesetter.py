"""Markdown into a book: `python -m workers.adapters.typesetter OUT.pdf FILE.md…`.

Sets Ilm's handbook out of its own documentation: a title page, chapters in the order given, an
outline, running page numbers. The same files give the same bytes.
"""

import io
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from markdown_it import MarkdownIt

from workers.adapters.pages.engine import pymupdf

SHEET: Final = pymupdf.paper_rect("a4")
TEXT_AREA: Final = pymupdf.Rect(68, 64, SHEET.width - 68, SHEET.height - 72)
FOOT: Final = 44
OUTLINED_LEVELS: Final = 3
MOST_PAGES: Final = 1_000

STYLE: Final = """
body { font-family: serif; font-size: 10.5pt; line-height: 1.4; }
h1 { font-size: 20pt; margin: 0 0 14pt 0; }
h2 { font-size: 14pt; margin: 16pt 0 6pt 0; }
h3 { font-size: 11pt; margin: 12pt 0 4pt 0; }
p, li { margin: 0 0 5pt 0; }
pre { font-family: monospace; font-size: 7.4pt; line-height: 1.25; margin: 4pt 0 9pt 6pt;
      white-space: pre-wrap; }
code { font-family: monospace; font-size: 8.5pt; }
pre code { font-size: 7.4pt; }
table { margin: 4pt 0 8pt 0; }
th { font-weight: bold; text-align: left; background-color: #f2f2f2; }
th, td { font-size: 8pt; padding: 2pt 4pt; border: 0.5pt solid #999999; }
blockquote { font-style: italic; margin: 4pt 14pt; }
a { color: #000000; text-decoration: none; }
.title { text-align: center; margin-top: 220pt; font-size: 30pt; }
.subtitle { text-align: center; font-size: 11pt; }
"""


@dataclass(frozen=True, slots=True)
class Heading:
    """A line of the outline; pages count from 1."""

    level: int
    text: str
    page: int


def typeset(chapters: Sequence[str], *, subtitle: str = "") -> bytes:
    """Return a PDF of Markdown chapters, called what the first heading of the first one says.

    Raises `ValueError` when there is no chapter.
    """
    if not chapters:
        raise ValueError("a book needs a chapter")
    title = _title(chapters[0])
    pages, headings = _set(_stories(chapters, title, subtitle))
    return _bound(pages, headings, title)


def main(arguments: Sequence[str]) -> int:
    """Write the book; return the program's exit status."""
    if len(arguments) < 2:
        sys.stderr.write("usage: python -m workers.adapters.typesetter OUT.pdf FILE.md…\n")
        return 2
    out, *files = map(Path, arguments)
    chapters = [file.read_text(encoding="utf-8") for file in files]
    out.write_bytes(typeset(chapters, subtitle="The handbook, set from its own documentation"))
    return 0


def _title(chapter: str) -> str:
    lines = (line for line in chapter.splitlines() if line.startswith("# "))
    return next(lines, "# Handbook").removeprefix("# ").strip()


def _stories(chapters: Sequence[str], title: str, subtitle: str) -> Iterator[str]:
    """Yield the title page and each chapter as HTML."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    yield f'<p class="title"><b>{_plain(title)}</b></p><p class="subtitle">{_plain(subtitle)}</p>'
    for chapter in chapters:
        yield str(markdown.render(chapter))


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _set(stories: Iterable[str]) -> tuple[bytes, list[Heading]]:
    """Break stories into pages, each from a fresh one; return them and where headings fell."""
    out = io.BytesIO()
    writer = pymupdf.DocumentWriter(out)
    headings: list[Heading] = []
    page = 0
    for html in stories:
        page = _set_story(pymupdf.Story(html, user_css=STYLE), writer, headings, page)
    writer.close()
    return out.getvalue(), headings


def _set_story(story: Any, writer: Any, headings: list[Heading], page: int) -> int:
    """Write one story's pages after those there are; return the number of the last.

    Raises `ValueError` rather than set pages for ever, which MuPDF does with what fits nowhere.
    """
    first, more = page + 1, True
    while more:
        page += 1
        if page - first > MOST_PAGES:
            raise ValueError("a chapter does not come to an end")
        device = writer.begin_page(SHEET)
        more, _ = story.place(TEXT_AREA)
        story.element_positions(_collector(headings, page))
        story.draw(device)
        writer.end_page()
    return page


def _collector(headings: list[Heading], page: int) -> Any:
    def collect(position: Any) -> None:
        is_start = position.open_close & 1
        if is_start and 0 < position.heading <= OUTLINED_LEVELS and position.text:
            headings.append(Heading(position.heading, position.text.strip(), page))

    return collect


def _bound(pages: bytes, headings: Sequence[Heading], title: str) -> bytes:
    """Add what a book has around its text: page numbers, an outline, a name."""
    with pymupdf.open(stream=pages, filetype="pdf") as book:
        for page in list(book)[1:]:
            line = pymupdf.Rect(0, SHEET.height - FOOT, SHEET.width, SHEET.height)
            page.insert_textbox(line, str(page.number + 1), fontsize=8, align=1)
        book.set_toc(_outline(headings))
        book.set_metadata({"title": title, "author": "Ilm", "producer": "Ilm"})
        book.set_language("en")
        book.subset_fonts()
        data: bytes = book.tobytes(garbage=3, deflate=True, no_new_id=True)
    return data


def _outline(headings: Sequence[Heading]) -> list[tuple[int, str, int]]:
    """Return the outline's lines, none more than one level below the one before it."""
    lines: list[tuple[int, str, int]] = []
    for heading in headings:
        deepest = lines[-1][0] + 1 if lines else 1
        lines.append((min(heading.level, deepest), heading.text, heading.page))
    return lines


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
