"""Pages a second, beside what else could draw them, in one run:

`python -m tests.bench.pages [--pages N] [--rounds N] [--limit PROGRAM] [DOCUMENT.pdf]`

Contenders take turns on the same pages; each figure is the median of the rounds, and the ratios
are what counts. `bare` and `naive` are loops in a process of their own, timed without its start.
`--limit` names the C program of the same work, built as the head of its source says.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jobs.pages.renderer import ALL_TIERS, SMALL, DrawnPage, Order, Source
from models.kernel.clock import SystemClock
from tests.documents import book_pdf
from workers.adapters.pages.renderer import MuPdfRenderer

WIDTHS: Final = {3200: 95, 1600: 92, 800: 85, 150: 70}

LOOP_HEAD: Final = """
import sys
sys.modules["pymupdf.layout"] = sys.modules["pymupdf4llm"] = None
import pymupdf
from pathlib import Path
from time import perf_counter
from PIL import Image, ImageChops

document, out, pages = pymupdf.open(sys.argv[1]), Path(sys.argv[2]), [*map(int, sys.argv[3:])]

def scaled(width, rect):
    return pymupdf.Matrix(width / rect.width, width / rect.width)
"""

BARE: Final = """
held = {}

def picture(commands, rect, width, space):
    pixmap = commands.get_pixmap(matrix=scaled(width, rect), colorspace=space, alpha=False)
    mode = "L" if pixmap.n == 1 else "RGB"
    samples = pymupdf.mupdf.fz_pixmap_samples_memoryview(pixmap.this)
    held[width] = pixmap
    return Image.frombuffer(mode, (pixmap.width, pixmap.height), samples, "raw", mode, 0, 1)

def draw(number):
    page = document[number - 1]
    commands, rect = page.get_displaylist(), page.rect
    red, green, blue = picture(commands, rect, 400, pymupdf.csRGB).split()
    pairs = (red, green), (green, blue), (red, blue)
    far = max(ImageChops.difference(*pair).getextrema()[1] for pair in pairs)
    image = picture(commands, rect, 3200, pymupdf.csGRAY if far <= 4 else pymupdf.csRGB)
    image.save(out / "3200.jpg", quality=95)
    image = image.reduce(2)
    image.save(out / "1600.jpg", quality=92)
    image = image.reduce(2)
    image.save(out / "800.jpg", quality=85)
    small = image.resize((150, round(150 * image.height / image.width)), Image.LANCZOS)
    small.save(out / "150.jpg", quality=70)
"""

NAIVE: Final = """
def draw(number):
    page = document[number - 1]
    for width, quality in ((3200, 95), (1600, 92), (800, 85), (150, 70)):
        pixmap = page.get_pixmap(matrix=scaled(width, page.rect))
        (out / f"{width}.jpg").write_bytes(pixmap.tobytes("jpg", jpg_quality=quality))
"""

LOOP_TAIL: Final = """
draw(pages[0])
began = perf_counter()
for number in pages:
    draw(number)
print(len(pages) / (perf_counter() - began))
"""


@dataclass(frozen=True, slots=True)
class Work:
    """The pages to draw, and a folder to draw them into."""

    document: Path
    pages: Sequence[int]
    scratch: Path
    clock: SystemClock


Contender = Callable[[Work], float]


def ours(work: Work) -> float:
    """Return pages a second through the adapter, its child's start not counted."""
    renderer = MuPdfRenderer(work.clock)
    orders = [Order(number, ALL_TIERS) for number in (work.pages[0], *work.pages)]
    drawing = renderer.draw(Source(work.document, "pdf"), orders, work.scratch)
    began = 0.0
    for page in drawing:
        began = began or work.clock.elapsed()
        if not isinstance(page, DrawnPage):
            raise TypeError(f"page {page.number}: {page.reason}")
    return len(work.pages) / (work.clock.elapsed() - began)


def loop(body: str) -> Contender:
    """Return a contender that runs a loop in a process of its own."""

    def run(work: Work) -> float:
        program = LOOP_HEAD + body + LOOP_TAIL
        pages = [str(number) for number in work.pages]
        paths = [str(work.document), str(work.scratch)]
        return float(_said([sys.executable, "-c", program, *paths, *pages]).split()[-1])

    return run


def pdftoppm(work: Work) -> float:
    """Return pages a second of poppler's program, run once a tier over the range."""
    began = work.clock.elapsed()
    for width, quality in WIDTHS.items():
        command = ["pdftoppm", "-jpeg", "-jpegopt", f"quality={quality}"]
        command += ["-scale-to-x", str(width), "-scale-to-y", "-1"]
        command += ["-f", str(min(work.pages)), "-l", str(max(work.pages))]
        _said([*command, str(work.document), str(work.scratch / f"poppler-{width}")])
    return len(work.pages) / (work.clock.elapsed() - began)


def limit(program: Path, *, is_grey: bool) -> Contender:
    """Return the C program as a contender, in grey or in colour."""

    def run(work: Work) -> float:
        pages = [word for page in work.pages for word in (str(work.document), str(page - 1))]
        return float(_said([str(program), str(int(is_grey)), *pages]).split("=> ")[1].split()[0])

    return run


def first_page(work: Work) -> float:
    """Return the seconds from the call to the first page's three small tiers, from cold."""
    began = work.clock.elapsed()
    drawing = MuPdfRenderer(work.clock).draw(
        Source(work.document, "pdf"), [Order(1, SMALL)], work.scratch
    )
    next(drawing)
    taken = work.clock.elapsed() - began
    drawing.close()
    return taken


def whole_text(work: Work) -> float:
    """Return the seconds from the call to the last word of the document, from cold."""
    began = work.clock.elapsed()
    with MuPdfRenderer(work.clock).read(Source(work.document, "pdf")) as reading:
        list(reading)
    return work.clock.elapsed() - began


def main(arguments: Sequence[str]) -> None:
    """Print the table."""
    asked = _arguments(arguments)
    with tempfile.TemporaryDirectory() as folder:
        document = asked.document or Path(folder) / "book.pdf"
        if not asked.document:
            document.write_bytes(book_pdf(300))
        first, count = asked.first, asked.pages
        work = Work(document, range(first, first + count), Path(folder), SystemClock())
        contenders = _contenders(asked.limit)
        rates = _medians(contenders, work, asked.rounds)
        times = _medians({"first": first_page, "text": whole_text}, work, asked.rounds)
    lines = [f"{document.name}, {count} pages from {first}, median of {asked.rounds}"]
    for name, rate in rates.items():
        lines.append(f"{name:>12} {rate:8.2f} pages/s   ours is {rates['ours'] / rate:6.2f} x")
    lines.append(f"first page {times['first']:.2f} s, all text {times['text']:.2f} s, from cold")
    sys.stdout.write("\n".join(lines) + "\n")


def _contenders(program: Path | None) -> dict[str, Contender]:
    contenders = {"ours": ours, "bare": loop(BARE), "naive": loop(NAIVE)}
    if shutil.which("pdftoppm"):
        contenders["pdftoppm"] = pdftoppm
    if program:
        contenders["limit grey"] = limit(program, is_grey=True)
        contenders["limit colour"] = limit(program, is_grey=False)
    return contenders


def _medians(contenders: dict[str, Contender], work: Work, rounds: int) -> dict[str, float]:
    """Let the contenders take turns."""
    seen: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contend in contenders.items():
            seen[name].append(contend(work))
    return {name: statistics.median(figures) for name, figures in seen.items()}


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.pages")
    parser.add_argument("document", type=Path, nargs="?")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--pages", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=Path)
    return parser.parse_args(arguments)


def _said(command: Sequence[str]) -> str:
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout


if __name__ == "__main__":
    main(sys.argv[1:])
