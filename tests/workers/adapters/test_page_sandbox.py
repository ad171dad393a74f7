"""What a document cannot do: hang, swell, outlive, leak. Each page that fails fails alone."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from jobs.pages.renderer import (
    ALL_TIERS,
    SMALL,
    DrawnPage,
    Order,
)
from models.kernel.clock import SystemClock
from models.kernel.errors import Unavailable
from tests import documents
from tests.workers.adapters.conftest import Written
from workers.adapters.pages.renderer import MuPdfRenderer
from workers.adapters.pages.sessions import Limits

PATIENCE = 60


class Stopped(Exception):
    """Raised by a check."""


def children() -> list[psutil.Process]:
    """Return the page children of this process; servers of other tests may run beside them."""
    ours = psutil.Process().children(recursive=True)
    return [process for process in ours if _is_page_child(process)]


def _is_page_child(process: psutil.Process) -> bool:
    try:
        return any("workers.adapters.pages" in word for word in process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False


def only_child() -> psutil.Process:
    """Return the one page child there is."""
    (child,) = children()
    return child


def test_a_page_whose_child_is_killed_is_drawn_by_the_next(
    renderer: MuPdfRenderer, written: Written, scratch: Path
) -> None:
    source = written(documents.book_pdf(4), "pdf")
    pages = []

    for page in renderer.draw(source, [Order(n, ALL_TIERS) for n in (1, 2, 3, 4)], scratch):
        pages.append(page)
        if page.number == 2:
            only_child().kill()

    assert [page.number for page in pages] == [1, 2, 3, 4]
    assert all(isinstance(page, DrawnPage) for page in pages)


def test_a_worn_child_is_replaced_unnoticed(written: Written, scratch: Path) -> None:
    renderer = MuPdfRenderer(SystemClock(), Limits(pages_per_child=2))
    source = written(documents.book_pdf(5), "pdf")
    pids = []

    for page in renderer.draw(source, [Order(n, SMALL) for n in range(1, 6)], scratch):
        assert isinstance(page, DrawnPage)
        pids += [child.pid for child in children()]

    assert len(set(pids)) > 1


def test_what_a_check_raises_kills_a_page_in_the_middle(
    renderer: MuPdfRenderer, written: Written, scratch: Path
) -> None:
    clock, stop = SystemClock(), threading.Event()

    def check() -> None:
        if stop.is_set():
            raise Stopped

    def orders() -> Iterator[Order]:
        yield Order(1, SMALL)
        stop.set()

    began = clock.elapsed()
    with pytest.raises(Stopped):
        list(
            renderer.draw(written(documents.time_bomb_pdf(), "pdf"), orders(), scratch, check=check)
        )

    assert clock.elapsed() - began < PATIENCE
    assert children() == []


def test_no_process_is_left_when_drawing_is_closed(
    renderer: MuPdfRenderer, written: Written, scratch: Path
) -> None:
    drawing = renderer.draw(
        written(documents.book_pdf(3), "pdf"), [Order(n, SMALL) for n in (1, 2, 3)], scratch
    )
    next(drawing)
    child = only_child()

    drawing.close()

    assert not psutil.pid_exists(child.pid)


def test_pages_drawn_ahead_are_removed_when_drawing_is_closed(
    renderer: MuPdfRenderer, written: Written, scratch: Path
) -> None:
    clock, pause = SystemClock(), threading.Event()
    orders = [Order(n, SMALL) for n in (1, 2, 3)]
    drawing = renderer.draw(written(documents.book_pdf(3), "pdf"), orders, scratch)
    next(drawing)
    deadline = clock.elapsed() + PATIENCE
    while not (scratch / "2-thumbnail.jpg").exists() and clock.elapsed() < deadline:
        pause.wait(0.01)
    was_ahead = (scratch / "2-thumbnail.jpg").exists()

    drawing.close()

    assert was_ahead
    assert {path.name.split("-")[0] for path in scratch.iterdir()} == {"1"}


def test_no_process_is_left_when_reading_is_broken_off(
    renderer: MuPdfRenderer, written: Written
) -> None:
    with renderer.read(written(documents.book_pdf(3), "pdf")) as reading:
        next(iter(reading))
        child = only_child()

    assert not psutil.pid_exists(child.pid)


DRAWS_FOR_EVER = """
import sys
from pathlib import Path
from jobs.pages.renderer import SMALL, Order, Source
from models.kernel.clock import SystemClock
from workers.adapters.pages.renderer import MuPdfRenderer

source, scratch = Source(Path(sys.argv[1]), "pdf"), Path(sys.argv[2])
for page in MuPdfRenderer(SystemClock()).draw(source, [Order(1, SMALL), Order(2, SMALL)], scratch):
    print(page.number, flush=True)
"""


def test_a_worker_that_is_killed_takes_its_child_along(
    written: Written, scratch: Path, tmp_path: Path
) -> None:
    source = written(documents.time_bomb_pdf(before=1), "pdf")
    command = [sys.executable, "-c", DRAWS_FOR_EVER, str(source.path), str(scratch)]
    root = Path(__file__).parents[3]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "1\n"
        (child,) = psutil.Process(worker.pid).children()
        os.kill(worker.pid, signal.SIGKILL)

    gone, alive = psutil.wait_procs([child], timeout=PATIENCE)

    assert (gone, alive) == ([child], [])


def test_a_child_knows_no_secret_and_speaks_to_nobody(
    renderer: MuPdfRenderer, written: Written, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ILM_SECRET_KEY", "nobody's business")
    drawing = renderer.draw(written(documents.book_pdf(1), "pdf"), endless(), scratch)
    next(drawing)
    child = only_child()
    known, spoken_to = child.environ(), child.net_connections()
    drawing.close()

    assert not {"ILM_SECRET_KEY", "HOME", "PATH"} & set(known)
    assert spoken_to == []


def endless() -> Iterator[Order]:
    """Order the first page again and again."""
    while True:
        yield Order(1, SMALL)


def test_a_child_is_bounded_and_alone(
    renderer: MuPdfRenderer, written: Written, scratch: Path
) -> None:
    drawing = renderer.draw(written(documents.book_pdf(1), "pdf"), endless(), scratch)
    next(drawing)
    child = only_child()
    address, core = child.rlimit(psutil.RLIMIT_AS), child.rlimit(psutil.RLIMIT_CORE)
    group, network = os.getpgid(child.pid), Path(f"/proc/{child.pid}/ns/net").readlink()
    drawing.close()

    assert address == (1500 << 20, 1500 << 20)
    assert core == (0, 0)
    assert group == child.pid
    assert network != Path("/proc/self/ns/net").readlink()


def test_the_engine_loads_without_the_networks_it_does_not_need() -> None:
    program = (
        "import sys; from workers.adapters.pages import engine; "
        "print([n for n in ('onnxruntime', 'numpy', 'networkx') if n in sys.modules])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )

    assert loaded.stdout == "[]\n"


def test_a_renderer_that_cannot_start_is_unavailable(
    renderer: MuPdfRenderer, written: Written, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = written(documents.book_pdf(1), "pdf")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    with pytest.raises(Unavailable):
        list(renderer.draw(source, [Order(1, SMALL)], scratch))
