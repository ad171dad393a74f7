"""What every renderer promises: the fake, and the one that opens real documents."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from jobs.avatars import SIZES
from jobs.pages.renderer import (
    ALL_TIERS,
    SMALL,
    DrawnPage,
    FailedPage,
    Failure,
    Order,
    PageText,
    Renderer,
    Source,
    Tier,
)
from models.kernel.clock import SystemClock
from models.kernel.errors import (
    DocumentCorrupt,
    DocumentEmpty,
    DocumentEncrypted,
    Refused,
    UnsupportedMediaType,
)
from tests import documents
from tests.fakes.renderer import FakeRenderer
from workers.adapters.pages.renderer import MuPdfRenderer

PAGES = ("the first page", "the second page", "the third page", "the fourth page", "the last page")

REFUSED: dict[str, tuple[Callable[[], bytes], type[Refused]]] = {
    "encrypted": (documents.encrypted_pdf, DocumentEncrypted),
    "truncated": (documents.truncated_pdf, DocumentCorrupt),
    "empty": (documents.empty_pdf, DocumentEmpty),
}


class Stopped(Exception):
    """Raised by a check."""


def stopping() -> None:
    """Be a check that has had enough."""
    raise Stopped


@pytest.fixture
def source(tmp_path: Path) -> Source:
    path = tmp_path / "book.pdf"
    path.write_bytes(documents.text_pdf(*PAGES, title="A Book"))
    return Source(path, "pdf")


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture(params=["fake", "mupdf"])
def renderer(request: pytest.FixtureRequest) -> Renderer:
    return FakeRenderer(*PAGES) if request.param == "fake" else MuPdfRenderer(SystemClock())


@pytest.fixture(params=list(REFUSED))
def refused(request: pytest.FixtureRequest) -> tuple[bytes, type[Refused]]:
    make, error = REFUSED[request.param]
    return make(), error


@pytest.fixture(params=["fake", "mupdf"])
def refusing(request: pytest.FixtureRequest, refused: tuple[bytes, type[Refused]]) -> Renderer:
    if request.param == "fake":
        return FakeRenderer(refusal=refused[1]())
    return MuPdfRenderer(SystemClock())


def test_a_document_tells_its_facts_before_its_pages_are_read(
    renderer: Renderer, source: Source
) -> None:
    with renderer.read(source) as reading:
        assert (reading.facts.page_count, reading.facts.title) == (len(PAGES), "A Book")


def test_pages_are_read_in_order_with_words_that_lie_on_the_page(
    renderer: Renderer, source: Source
) -> None:
    with renderer.read(source) as reading:
        pages = list(reading)

    assert [page.number for page in pages] == [1, 2, 3, 4, 5]
    for page, said in zip(pages, PAGES, strict=True):
        assert isinstance(page, PageText)
        assert page.text == said
        assert [word.text for word in page.words] == said.split()
        assert all(0 <= word.x0 < word.x1 <= page.width for word in page.words)
        assert all(0 <= word.y0 < word.y1 <= page.height for word in page.words)


def test_every_order_comes_back_as_a_page_in_the_tiers_that_were_asked_for(
    renderer: Renderer, source: Source, scratch: Path
) -> None:
    orders = [Order(2, SMALL), Order(1, ALL_TIERS), Order(2, (Tier.ULTRA,))]

    pages = list(renderer.draw(source, orders, scratch))

    assert [page.number for page in pages] == [2, 1, 2]
    for page, order in zip(pages, orders, strict=True):
        assert isinstance(page, DrawnPage)
        assert (page.width, page.height) == (612, 792)
        assert set(page.files) == set(order.tiers)
        assert page.clamped == ()
        for tier, file in page.files.items():
            assert file.path.parent == scratch
            assert file.width_px == tier.width
            assert file.size_bytes == file.path.stat().st_size


def test_a_page_that_is_not_there_fails_alone(
    renderer: Renderer, source: Source, scratch: Path
) -> None:
    orders = [Order(1, SMALL), Order(6, SMALL), Order(5, SMALL)]

    first, absent, last = renderer.draw(source, orders, scratch)

    assert isinstance(first, DrawnPage)
    assert absent == FailedPage(6, Failure.MISSING)
    assert isinstance(last, DrawnPage)


def test_orders_are_pulled_two_ahead_and_no_further(
    renderer: Renderer, source: Source, scratch: Path
) -> None:
    pulled: list[int] = []

    def orders() -> Iterator[Order]:
        for number in range(1, 6):
            pulled.append(number)
            yield Order(number, SMALL)

    seen = [(page.number, len(pulled)) for page in renderer.draw(source, orders(), scratch)]

    assert seen == [(1, 3), (2, 4), (3, 5), (4, 5), (5, 5)]


def test_drawing_that_is_closed_leaves_no_file_of_a_page_it_did_not_yield(
    renderer: Renderer, source: Source, scratch: Path
) -> None:
    drawing = renderer.draw(source, (Order(number, ALL_TIERS) for number in range(1, 6)), scratch)
    page = next(drawing)
    drawing.close()

    assert isinstance(page, DrawnPage)
    assert set(scratch.iterdir()) == {file.path for file in page.files.values()}


def test_what_a_check_raises_ends_the_work(
    renderer: Renderer, source: Source, scratch: Path
) -> None:
    with pytest.raises(Stopped):
        list(renderer.draw(source, [Order(1, ALL_TIERS)], scratch, check=stopping))
    with pytest.raises(Stopped), renderer.read(source, check=stopping) as reading:
        list(reading)

    assert list(scratch.iterdir()) == []


def test_no_orders_draw_nothing(renderer: Renderer, source: Source, scratch: Path) -> None:
    assert list(renderer.draw(source, [], scratch)) == []


def test_a_document_that_cannot_be_opened_is_refused_by_its_name(
    refusing: Renderer, refused: tuple[bytes, type[Refused]], tmp_path: Path
) -> None:
    content, error = refused
    path = tmp_path / "bad.pdf"
    path.write_bytes(content)

    with pytest.raises(error), refusing.read(Source(path, "pdf")) as reading:
        list(reading)
    with pytest.raises(error):
        list(refusing.draw(Source(path, "pdf"), [Order(1, SMALL)], tmp_path))


def test_a_cover_is_as_wide_as_the_medium_tier(renderer: Renderer, tmp_path: Path) -> None:
    picture, out = tmp_path / "picture", tmp_path / "cover.jpg"
    Image.new("RGB", (612, 792), "teal").save(picture, "PNG")

    cover = renderer.cover(picture, out)

    assert (cover.path, cover.width_px, cover.height_px) == (out, 800, 1036)
    assert cover.size_bytes == out.stat().st_size


def test_an_avatar_is_written_in_every_size(renderer: Renderer, tmp_path: Path) -> None:
    picture = tmp_path / "picture"
    outs = {size: tmp_path / f"{size}.webp" for size in SIZES}
    Image.new("RGB", (612, 792), "teal").save(picture, "PNG")

    renderer.avatar(picture, outs)

    assert all(out.read_bytes()[8:12] == b"WEBP" for out in outs.values())
    picture.write_bytes(b"<html>")
    with pytest.raises(UnsupportedMediaType):
        renderer.avatar(picture, outs)


def test_a_cover_that_is_no_picture_is_refused(renderer: Renderer, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_bytes(b"<html>")

    with pytest.raises(UnsupportedMediaType):
        renderer.cover(page, tmp_path / "cover.jpg")
