"""A page in its tiers: classified, rastered once, halved, encoded. Only the child imports this.

Colour is told exactly from the page's drawing commands, by MuPDF's own test device, in a
fraction of a millisecond: no mark is too small or too faint for it. A grey page moves a quarter
of the bytes of a coloured one. Pillow sees MuPDF's pixels in place, so a pixmap must outlive the
picture over it. MuPDF's own JPEG writer is never used: it takes sixteen times as long.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from PIL import Image

from jobs.pages.renderer import Tier
from models.kernel.clock import SystemClock
from workers.adapters.pages.engine import mupdf
from workers.adapters.pages.opening import open_document
from workers.adapters.pages.pictures import shrunk, tier_size, write
from workers.adapters.pages.tasks import Answer, Document, Message, tried

SLACK: Final = 4 / 255
"""How far apart the channels of a grey may be: what rounding between colour spaces leaves."""
TESTED_PIXELS: Final = 2_000_000
"""Pictures with more pixels are taken at their colour space's word: testing would decode them."""
LEAST_RASTER: Final = 1600
"""Smaller tiers are made from a picture this wide: MuPDF's own small ones are coarse."""
QUICK_SECONDS: Final = 0.015

_GREY, _MAYBE = 0, 1
_TEST_IMAGES_AND_SHADINGS: Final = 3
_WHITE: Final = 255


class DamagedPage(Exception):
    """The page has no size one could draw."""


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A page as commands to draw, and the rectangle they draw on."""

    commands: Any
    x0: float
    y0: float
    width: float
    height: float
    is_grey: bool


def serve(task: Message, orders: Iterator[Message], answer: Answer) -> None:
    """Answer that the document is open, and then every order with its page."""
    asked = Document.described(task)
    document = open_document(asked)
    scratch = Path(task["scratch"])
    answer({"pages": len(document)})
    for order in orders:
        number, tiers = order["page"], [Tier(name) for name in order["tiers"]]
        work = partial(draw_page, document, number, tiers, scratch)
        answer(tried(number, asked.page_seconds, work))


def draw_page(document: Any, number: int, tiers: list[Tier], scratch: Path) -> Message:
    """Write a page's tiers to `scratch` and return their facts."""
    if not 1 <= number <= len(document):
        raise IndexError
    sheet = _sheet(document.load_page(number - 1))
    sizes = {tier: tier_size(tier.width, sheet.width, sheet.height) for tier in tiers}
    files = {
        tier: write(picture, scratch / f"{number}-{tier}.jpg", tier.quality)
        for tier, picture in _pictures(sheet, sizes)
    }
    return {
        "page": number,
        "size": (sheet.width, sheet.height),
        "files": files,
        "clamped": [tier for tier in tiers if sizes[tier][0] != tier.width],
    }


def _pictures(
    sheet: _Sheet, sizes: dict[Tier, tuple[int, int]]
) -> Iterator[tuple[Tier, Image.Image]]:
    """Yield the tiers from the widest down; a picture is good until the next is asked for.

    A page that was drawn in next to no time is drawn again for `HIGH_RES`: halving would take
    longer. All else is halved from the widest.
    """
    middle = tier_size(LEAST_RASTER, sheet.width, sheet.height)
    clock = SystemClock()
    began = clock.elapsed()
    pixmap = _raster(sheet, *max(middle, *sizes.values()))
    is_quick = clock.elapsed() - began < QUICK_SECONDS
    picture = _view(pixmap)
    for tier in sorted(sizes, key=lambda tier: -tier.width):
        if is_quick and sizes[tier] == middle != picture.size:
            pixmap = _raster(sheet, *middle)
            picture = _view(pixmap)
        picture = shrunk(picture, *sizes[tier])
        yield tier, picture


def _sheet(page: Any) -> _Sheet:
    rect = page.rect
    if not (0 < rect.width < math.inf and 0 < rect.height < math.inf):
        raise DamagedPage
    commands = page.get_displaylist().this
    return _Sheet(commands, rect.x0, rect.y0, rect.width, rect.height, _is_grey(page, commands))


def _is_grey(page: Any, commands: Any) -> bool:
    """Whether nothing on the page has a colour; looks into pictures unless they are large."""
    verdict = _test(commands, 0)
    if verdict == _MAYBE and _picture_pixels(page) <= TESTED_PIXELS:
        verdict = _test(commands, _TEST_IMAGES_AND_SHADINGS)
    return bool(verdict == _GREY)


def _picture_pixels(page: Any) -> int:
    return sum(width * height for _, _, width, height, *_ in page.get_images())


def _test(commands: Any, options: int) -> int:
    """Run the commands through the device that tells colours: 0 grey, 1 perhaps, 2 coloured."""
    answer = mupdf.ll_fz_new_test_device_outparams()
    raw = mupdf.ll_fz_new_test_device_outparams_fn(SLACK, options, None, answer)
    _run(commands, mupdf.FzDevice(raw))
    return int(answer.is_color)


def _raster(sheet: _Sheet, width: int, height: int) -> Any:
    """Draw a sheet on white: one byte a pixel for grey, four for colour, as Pillow keeps them."""
    space = mupdf.FzColorspace.Fixed_GRAY if sheet.is_grey else mupdf.FzColorspace.Fixed_RGB
    area = mupdf.FzIrect(0, 0, width, height)
    pixmap = mupdf.FzPixmap(
        mupdf.FzColorspace(space), area, mupdf.FzSeparations(), 0 if sheet.is_grey else 1
    )
    mupdf.fz_clear_pixmap_with_value(pixmap, _WHITE)
    across, down = width / sheet.width, height / sheet.height
    place = mupdf.FzMatrix(across, 0, 0, down, -sheet.x0 * across, -sheet.y0 * down)
    _run(sheet.commands, mupdf.FzDevice(place, pixmap))
    return pixmap


def _run(commands: Any, device: Any) -> None:
    everywhere = mupdf.FzRect(mupdf.FzRect.Fixed_INFINITE)
    mupdf.fz_run_display_list(commands, device, mupdf.FzMatrix(), everywhere, mupdf.FzCookie())
    mupdf.fz_close_device(device)


def _view(pixmap: Any) -> Image.Image:
    """Show a pixmap's own bytes as a picture."""
    mode = "L" if pixmap.n() == 1 else "RGBX"
    pixels = mupdf.fz_pixmap_samples_memoryview(pixmap)
    return Image.frombuffer(mode, (pixmap.w(), pixmap.h()), pixels, "raw", mode, 0, 1)
