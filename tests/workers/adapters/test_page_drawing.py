"""What pages look like once they are drawn."""

import io
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from jobs.pages.renderer import ALL_TIERS, DEFAULT_LAYOUT, DrawnPage, Order, Source, Tier
from models.kernel.errors import DocumentTooLarge
from tests import documents
from tests.workers.adapters.conftest import Written
from workers.adapters.pages.renderer import MuPdfRenderer


def drawn(renderer: MuPdfRenderer, source: Source, scratch: Path, *tiers: Tier) -> DrawnPage:
    """Draw the first page, in all tiers unless some are named."""
    (page,) = renderer.draw(source, [Order(1, tiers or ALL_TIERS)], scratch)
    assert isinstance(page, DrawnPage)
    return page


def picture(page: DrawnPage, tier: Tier) -> Image.Image:
    """Open a tier of a page."""
    with Image.open(page.files[tier].path) as image:
        image.load()
    return image


def test_each_tier_is_a_jpeg_exactly_as_wide_as_it_says(
    renderer: MuPdfRenderer, written: Written, scratch: Path
) -> None:
    page = drawn(renderer, written(documents.book_pdf(1), "pdf"), scratch)

    for tier in ALL_TIERS:
        image = picture(page, tier)
        assert image.format == "JPEG"
        assert image.size == (page.files[tier].width_px, page.files[tier].height_px)
        assert image.width == tier.width
        assert image.height == pytest.approx(tier.width * 792 / 612, abs=1)


@pytest.mark.parametrize("tier", ALL_TIERS)
def test_a_tier_ordered_alone_looks_like_the_one_from_the_cascade(
    tier: Tier, renderer: MuPdfRenderer, written: Written, scratch: Path
) -> None:
    source = written(documents.book_pdf(1), "pdf")

    together = picture(drawn(renderer, source, scratch), tier)
    alone = picture(drawn(renderer, source, scratch, tier), tier)

    assert alone.size == together.size
    (difference,) = ImageStat.Stat(ImageChops.difference(alone, together)).mean
    assert difference < 8


@pytest.mark.parametrize(
    ("content", "mode"),
    [
        pytest.param(documents.book_pdf(1), "L", id="black type"),
        pytest.param(documents.colour_pdf(), "RGB", id="a red square"),
        pytest.param(documents.faint_pdf(), "RGB", id="one pale mark, a point wide"),
    ],
)
def test_only_a_page_without_any_colour_is_kept_grey(
    content: bytes, mode: str, renderer: MuPdfRenderer, written: Written, scratch: Path
) -> None:
    page = drawn(renderer, written(content, "pdf"), scratch)

    assert {picture(page, tier).mode for tier in ALL_TIERS} == {mode}


def test_colours_and_paper_come_out_as_they_are(
    renderer: MuPdfRenderer, written: Written, scratch: Path
) -> None:
    image = picture(drawn(renderer, written(documents.colour_pdf(), "pdf"), scratch), Tier.MEDIUM)

    red, paper = image.getpixel((400, 600)), image.getpixel((20, 20))

    assert isinstance(red, tuple)
    assert red[0] > 240
    assert max(red[1:]) < 16
    assert paper == (255, 255, 255)


def test_a_poster_is_drawn_as_wide_as_any_page(
    renderer: MuPdfRenderer, written: Written, scratch: Path
) -> None:
    page = drawn(renderer, written(documents.poster_pdf(), "pdf"), scratch)

    assert (page.width, page.height) == (18_000, 36_000)
    assert page.files[Tier.ULTRA].width_px == 3200
    assert page.clamped == ()


def test_a_page_too_tall_for_a_tier_is_scaled_to_fit_and_says_so(
    renderer: MuPdfRenderer, written: Written, scratch: Path
) -> None:
    page = drawn(renderer, written(documents.needle_pdf(), "pdf"), scratch)

    assert page.clamped == ALL_TIERS
    for file in page.files.values():
        assert file.height_px <= 65_500
        assert file.width_px * file.height_px <= 40_000_000


def test_a_page_is_turned_the_way_it_asks(
    renderer: MuPdfRenderer, written: Written, scratch: Path
) -> None:
    turned = documents.colour_pdf().replace(b"/MediaBox", b"/Rotate 90 /MediaBox")

    page = drawn(renderer, written(turned, "pdf"), scratch)

    assert (page.width, page.height) == (792, 612)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("epub", documents.epub("A chapter", "Another")),
        ("mobi", documents.mobi("A chapter")),
        ("txt", b"A chapter"),
    ],
)
def test_what_has_no_pages_of_its_own_is_set_on_the_layout(
    kind: str, content: bytes, renderer: MuPdfRenderer, written: Written, scratch: Path
) -> None:
    page = drawn(renderer, written(content, kind), scratch)  # type: ignore[arg-type]

    assert (page.width, page.height) == (DEFAULT_LAYOUT.width, DEFAULT_LAYOUT.height)
    assert page.files[Tier.ULTRA].width_px == 3200


def cover(renderer: MuPdfRenderer, folder: Path, image: Image.Image, kind: str) -> Image.Image:
    """Send a picture through the renderer as a cover."""
    image.save(folder / "upload", kind)
    facts = renderer.cover(folder / "upload", folder / "cover.jpg")
    with Image.open(facts.path) as made:
        made.load()
    assert made.size == (facts.width_px, facts.height_px)
    return made


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_cover_becomes_a_jpeg_of_800_pixels(
    kind: str, renderer: MuPdfRenderer, tmp_path: Path
) -> None:
    made = cover(renderer, tmp_path, Image.new("RGB", (2000, 3000), "teal"), kind)

    assert (made.format, made.size) == ("JPEG", (800, 1200))


def test_what_is_transparent_in_a_cover_becomes_white(
    renderer: MuPdfRenderer, tmp_path: Path
) -> None:
    made = cover(renderer, tmp_path, Image.new("RGBA", (400, 400), (0, 0, 0, 0)), "PNG")

    assert made.getpixel((400, 400)) == (255, 255, 255)


def test_a_cover_that_unfolds_into_too_many_pixels_is_refused(
    renderer: MuPdfRenderer, tmp_path: Path
) -> None:
    packed = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(packed, "PNG")
    (tmp_path / "bomb").write_bytes(packed.getvalue())

    with pytest.raises(DocumentTooLarge):
        renderer.cover(tmp_path / "bomb", tmp_path / "cover.jpg")
