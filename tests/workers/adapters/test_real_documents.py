"""Documents as the world has them, when TEST_CORPUS names a folder of some."""

from pathlib import Path
from typing import cast

from jobs.pages.renderer import SMALL, DrawnPage, Format, Order, PageText, Source
from workers.adapters.pages.renderer import MuPdfRenderer


def documents_in(folder: Path) -> list[Source]:
    """Return every document of a folder that has a format of ours."""
    kinds = ("pdf", "epub", "mobi", "txt")
    return [
        Source(path, cast("Format", path.suffix[1:]))
        for path in sorted(folder.iterdir())
        if path.suffix[1:] in kinds
    ]


def test_every_page_of_every_document_is_read(corpus: Path, renderer: MuPdfRenderer) -> None:
    for source in documents_in(corpus):
        with renderer.read(source) as reading:
            pages = list(reading)

        assert len(pages) == reading.facts.page_count, source.path.name
        assert all(isinstance(page, PageText) for page in pages), source.path.name


def test_every_page_of_every_document_is_drawn(
    corpus: Path, scratch: Path, renderer: MuPdfRenderer
) -> None:
    for source in documents_in(corpus):
        with renderer.read(source) as reading:
            count = reading.facts.page_count
        for page in renderer.draw(source, (Order(n + 1, SMALL) for n in range(count)), scratch):
            assert isinstance(page, DrawnPage), (source.path.name, page)
            assert [file.width_px for file in page.files.values()] == [150, 800, 1600]
            for file in page.files.values():
                file.path.unlink()
