"""Sizes, shrinking and writing of pictures, with Pillow alone. Only the child imports this."""

import math
from pathlib import Path
from typing import Final

from PIL import Image

from jobs.pages.renderer import Tier

MOST_PIXELS: Final = 40_000_000
MOST_SIDE: Final = 65_500


def tier_size(width: int, page_width: float, page_height: float) -> tuple[int, int]:
    """Return the pixels of a tier: as wide as asked, unless that passes a cap."""
    height = _halved_height(width, page_height / page_width)
    scale = min(1.0, MOST_SIDE / height, math.sqrt(MOST_PIXELS / (width * height)))
    return max(1, math.floor(width * scale)), max(1, math.floor(height * scale))


def _halved_height(width: int, ratio: float) -> int:
    """Round a height as halving from the widest tier does, however the picture is made."""
    times, rest = divmod(Tier.ULTRA.width, width)
    if rest:
        return max(1, round(width * ratio))
    return max(1, math.ceil(round(Tier.ULTRA.width * ratio) / times))


def shrunk(picture: Image.Image, width: int, height: int) -> Image.Image:
    """Return a picture in a smaller size, halved where that gets there."""
    if picture.width == width:
        return picture
    if picture.width == 2 * width:
        return picture.reduce(2)
    return picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=4.0)


def write(picture: Image.Image, path: Path, quality: int) -> tuple[int, int, int]:
    """Write a JPEG that is whole or not there; return its width, height and bytes."""
    part = path.with_suffix(".part")
    picture.save(part, "JPEG", quality=quality)
    part.rename(path)
    return picture.width, picture.height, path.stat().st_size
