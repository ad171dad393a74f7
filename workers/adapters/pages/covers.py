"""A cover somebody uploaded, made into one of ours. Only the child imports this."""

import warnings
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from jobs.pages.renderer import Tier
from workers.adapters.pages import sandbox
from workers.adapters.pages.pictures import tier_size, write
from workers.adapters.pages.refusal import Refusal
from workers.adapters.pages.tasks import Answer, Message

KINDS: Final = ("JPEG", "PNG", "WEBP")
MOST_BYTES: Final = 10 << 20
MOST_PIXELS: Final = 60_000_000


def serve(task: Message, _lines: Iterator[Message], answer: Answer) -> None:
    """Answer with the facts of the one cover."""
    sandbox.grant_cpu(task["page_seconds"])
    answer({"cover": make_cover(Path(task["image"]), Path(task["out"]))})


def make_cover(image: Path, out: Path) -> tuple[int, int, int]:
    """Write a picture as a JPEG as wide as `MEDIUM`, upright, on white; return its facts."""
    with opened(image, MOST_BYTES, MOST_PIXELS) as picture:
        return write(_sized(flat(picture, Tier.MEDIUM.width)), out, Tier.MEDIUM.quality)


@contextmanager
def opened(image: Path, most_bytes: int, most_pixels: int) -> Generator[Image.Image]:
    """Open a picture that is not too large; what is wrong with it is a `Refusal`."""
    if image.stat().st_size > most_bytes:
        raise Refusal("too-large")
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        with Image.open(image, formats=KINDS) as picture:
            if picture.width * picture.height > most_pixels:
                raise Refusal("too-large")
            yield picture
    except UnidentifiedImageError as error:
        raise Refusal("unknown") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Refusal("too-large") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise Refusal("corrupt") from error


def flat(picture: Image.Image, width: int) -> Image.Image:
    """Turn a picture the way its camera was held, and lay what is transparent on white.

    A JPEG is read no larger than twice the width it is wanted in.
    """
    picture.draft("RGB", (width * 2, width * 2))
    upright = ImageOps.exif_transpose(picture)
    if not upright.has_transparency_data:
        return upright.convert("RGB")
    layered = upright.convert("RGBA")
    sheet = Image.new("RGBA", layered.size, "white")
    return Image.alpha_composite(sheet, layered).convert("RGB")


def _sized(picture: Image.Image) -> Image.Image:
    size = tier_size(Tier.MEDIUM.width, picture.width, picture.height)
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
