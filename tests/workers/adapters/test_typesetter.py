"""The handbook: set from Markdown, and readable by the renderer that serves it."""

from pathlib import Path

import pytest

from jobs.pages.renderer import PageText, Source
from workers.adapters.pages.engine import pymupdf
from workers.adapters.pages.renderer import MuPdfRenderer
from workers.adapters.typesetter import main, typeset

FIRST = """# The Book of Ilm

What it is about, with *stress* and `code`.

## A section

- one thing
- another

```
make demo
```

| name | says |
|---|---|
| web | answers |
"""
SECOND = "# Second chapter\n\n" + "A paragraph that fills a line or two of the page. \n\n" * 120


def test_a_book_has_a_title_page_and_its_chapters_on_fresh_pages(
    tmp_path: Path, renderer: MuPdfRenderer
) -> None:
    path = tmp_path / "book.pdf"
    path.write_bytes(typeset([FIRST, SECOND], subtitle="A handbook"))

    with renderer.read(Source(path, "pdf")) as reading:
        pages = [page.text for page in reading if isinstance(page, PageText)]

    assert (reading.facts.title, reading.facts.language) == ("The Book of Ilm", "en")
    assert pages[0].splitlines() == ["The Book of Ilm", "A handbook"]
    for said in ("The Book of Ilm", "stress", "A section", "another", "make demo", "answers"):
        assert said in pages[1]
    assert pages[2].startswith("Second chapter")


def test_every_page_but_the_title_bears_its_number(tmp_path: Path, renderer: MuPdfRenderer) -> None:
    path = tmp_path / "book.pdf"
    path.write_bytes(typeset([FIRST, SECOND]))

    with renderer.read(Source(path, "pdf")) as reading:
        last_lines = [page.text.split()[-1] for page in reading if isinstance(page, PageText)]

    assert len(last_lines) > 4
    assert last_lines[1:] == [str(number) for number in range(2, len(last_lines) + 1)]


def test_the_outline_leads_to_the_headings() -> None:
    with pymupdf.open(stream=typeset([FIRST, SECOND]), filetype="pdf") as book:
        outline = book.get_toc()

    assert outline == [
        [1, "The Book of Ilm", 2],
        [2, "A section", 2],
        [1, "Second chapter", 3],
    ]


def test_the_same_chapters_give_the_same_bytes() -> None:
    assert typeset([FIRST, SECOND]) == typeset([FIRST, SECOND])


def test_a_book_without_a_chapter_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a chapter"):
        typeset([])


def test_the_program_writes_the_book(tmp_path: Path) -> None:
    chapter, out = tmp_path / "chapter.md", tmp_path / "book.pdf"
    chapter.write_text(FIRST, encoding="utf-8")

    assert main([str(out), str(chapter)]) == 0
    assert out.read_bytes().startswith(b"%PDF")


def test_the_program_says_how_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err
