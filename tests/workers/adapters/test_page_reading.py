"""What is learnt from a document without drawing it."""

import pytest

from jobs.pages.renderer import Facts, Format, Layout, PageText, Source
from models.kernel.errors import (
    DocumentCorrupt,
    DocumentEmpty,
    DocumentEncrypted,
    DocumentTooLarge,
    Refused,
)
from tests import documents
from tests.workers.adapters.conftest import Written
from workers.adapters.pages.renderer import MuPdfRenderer


@pytest.mark.parametrize(
    ("kind", "content", "facts"),
    [
        (
            "pdf",
            documents.text_pdf("one", "two", title="On (Things)", language="fr-FR"),
            Facts(2, "On (Things)", None, "fr-FR"),
        ),
        ("epub", documents.epub("one", "two", language="de"), Facts(2, "A Book", "Anon", "de")),
        ("mobi", documents.mobi("one", title="Café"), Facts(1, "Café", "Anon", "en")),
        ("txt", b"one", Facts(1)),
    ],
    ids=["pdf", "epub", "mobi", "txt"],
)
def test_a_document_says_what_it_is(
    kind: Format, content: bytes, facts: Facts, renderer: MuPdfRenderer, written: Written
) -> None:
    with renderer.read(written(content, kind)) as reading:
        assert reading.facts == facts


@pytest.mark.parametrize(
    ("kind", "content", "error"),
    [
        pytest.param("pdf", documents.encrypted_pdf(), DocumentEncrypted, id="password"),
        pytest.param("epub", documents.locked_epub(), DocumentEncrypted, id="locked epub"),
        pytest.param("mobi", documents.mobi("x", is_locked=True), DocumentEncrypted, id="drm"),
        pytest.param("pdf", documents.truncated_pdf(), DocumentCorrupt, id="truncated"),
        pytest.param("pdf", b"%PDF-1.7\n", DocumentCorrupt, id="header only"),
        pytest.param("epub", b"PK\x03\x04 and no more", DocumentCorrupt, id="no archive"),
        pytest.param("mobi", b"BOOKMOBI", DocumentCorrupt, id="no database"),
        pytest.param("pdf", documents.empty_pdf(), DocumentEmpty, id="no page"),
        pytest.param("txt", b"", DocumentEmpty, id="no text"),
        pytest.param("epub", documents.epub_bomb(), DocumentTooLarge, id="bomb"),
    ],
)
def test_a_document_that_cannot_be_opened_is_refused_with_the_reason(
    kind: Format, content: bytes, error: type[Refused], renderer: MuPdfRenderer, written: Written
) -> None:
    with pytest.raises(error), renderer.read(written(content, kind)):
        pass


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("naïve café".encode(), id="utf-8"),
        pytest.param("naïve café".encode("utf-8-sig"), id="utf-8 with a mark"),
        pytest.param("naïve café".encode("utf-16"), id="utf-16"),
        pytest.param("naïve café".encode("cp1252"), id="windows"),
    ],
)
def test_plain_text_is_read_in_the_encoding_it_was_written_in(
    content: bytes, renderer: MuPdfRenderer, written: Written
) -> None:
    with renderer.read(written(content, "txt")) as reading:
        (page,) = reading

    assert isinstance(page, PageText)
    assert page.text == "naïve café"


def test_page_numbers_follow_the_layout_and_nothing_else(
    renderer: MuPdfRenderer, written: Written
) -> None:
    book = written(documents.epub("\n".join(["A paragraph of some length."] * 200)), "epub")
    large = Source(book.path, "epub", Layout(300, 400, 20))

    counts = []
    for source in (book, large, book):
        with renderer.read(source) as reading:
            counts.append(reading.facts.page_count)

    assert counts[0] == counts[2] < counts[1]


def test_text_has_nothing_in_it_that_a_database_refuses(
    renderer: MuPdfRenderer, written: Written
) -> None:
    with renderer.read(written(b"before\0after", "txt")) as reading:
        (page,) = reading

    assert isinstance(page, PageText)
    assert "\0" not in page.text
    assert all("\0" not in word.text for word in page.words)
