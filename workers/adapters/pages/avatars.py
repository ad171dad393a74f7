"""An avatar somebody uploaded, drawn anew in squares of ours. Only the child imports this."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from PIL import Image, ImageOps

from workers.adapters.pages import sandbox
from workers.adapters.pages.covers import flat, opened
from workers.adapters.pages.tasks import Answer, Message

MOST_BYTES: Final = 5 << 20
MOST_PIXELS: Final = 40_000_000
QUALITY: Final = 85


def serve(task: Message, _lines: Iterator[Message], answer: Answer) -> None:
    """Answer once every size is written."""
    sandbox.grant_cpu(task["page_seconds"])
    outs = {int(size): Path(path) for size, path in task["outs"].items()}
    make_avatars(Path(task["image"]), outs)
    answer({"avatars": sorted(outs)})


def make_avatars(image: Path, outs: Mapping[int, Path]) -> None:
    """Write the middle of a picture, upright, on white, as WebPs with nothing but pixels."""
    largest = max(outs)
    with opened(image, MOST_BYTES, MOST_PIXELS) as picture:
        upright = flat(picture, largest)
        whole = ImageOps.fit(upright, (largest, largest), Image.Resampling.LANCZOS)
    for size, out in outs.items():
        plain = Image.new("RGB", (size, size))
        plain.paste(whole.resize((size, size), Image.Resampling.LANCZOS, reducing_gap=3.0))
        part = out.with_suffix(".part")
        plain.save(part, "WEBP", quality=QUALITY, method=4)
        part.rename(out)
