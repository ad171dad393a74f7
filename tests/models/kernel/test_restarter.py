"""The restarter: what dies comes back, what is ready says so, and all stops in order."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from models.kernel.embedded.home import CannotStart, free_port
from models.kernel.embedded.processes import descendants, is_gone, send
from models.kernel.restarter import PAUSES, Entry, chosen, parse
from tests.models.kernel.embedded.stacks import SECONDS, are_gone, bare_environment, eventually

PROCFILE = """
# doors, then who works for them
scheduler: python process.py scheduler
worker: python process.py worker
worker-pages: python process.py worker-pages
web: python process.py web
"""

PROCESS = """
import os, signal, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

name = sys.argv[1]

class Health(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()
    def log_message(self, *ignored):
        pass

def leave(number, frame):
    with Path("left.txt").open("a") as left:
        left.write(f"{name} {signal.Signals(number).name}\\n")
    if not Path("deaf").exists():
        sys.exit(0)

for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, leave)
child = os.spawnvp(os.P_NOWAIT, "sleep", ["sleep", "1000"])
print(f"{name} begins", flush=True)
Path(f"{name}.{os.getpid()}").write_text(str(child))
if name == "web":
    HTTPServer(("127.0.0.1", int(os.environ["ILM_PORT"])), Health).serve_forever()
while True:
    signal.pause()
"""

Start = Callable[..., "Running"]


class Running:
    """One run of the restarter in a folder of its own."""

    def __init__(self, process: subprocess.Popen[str], folder: Path, port: int) -> None:
        self.process = process
        self.folder = folder
        self.port = port
        self.lines: list[str] = []

    def until(self, words: str) -> str:
        """Read lines up to the first that has these words in it; return that."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if words in line:
                return self.lines[-1]
        raise AssertionError(f"{words!r} never came in {self.lines}")

    def all_up(self) -> None:
        """Wait until all four processes run, each having noted its child's pid."""
        self.until("ready:")
        self.noted(4)

    def noted(self, count: int) -> None:
        """Wait until so many processes have each noted its child's pid."""
        eventually(lambda: len([p for p in self.notes() if p.read_text()]) == count)

    def notes(self) -> list[Path]:
        """Return the files in which processes have noted their children."""
        return list(self.folder.glob("*.[0-9]*"))

    def rest(self) -> list[str]:
        """Return all lines once it is over."""
        out, _ = self.process.communicate(timeout=SECONDS)
        return [*self.lines, *out.splitlines()]

    def pid(self, name: str) -> int:
        """Return the pid of a process, by its pid file."""
        return int((self.folder / "var" / "run" / f"{name}.pid").read_text())

    def family(self) -> list[int]:
        """Return the restarter and all it has started."""
        return [self.process.pid, *descendants(self.process.pid)]

    def left(self) -> list[str]:
        """Return who was told to leave, in order, and by which signal."""
        return (self.folder / "left.txt").read_text().splitlines()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start the restarter on the Procfile above."""
    runs: list[Running] = []
    (tmp_path / "Procfile").write_text(PROCFILE)
    (tmp_path / "process.py").write_text(PROCESS)

    def started(*options: str) -> Running:
        port = free_port()
        process = subprocess.Popen(
            [sys.executable, "-m", "models.kernel.restarter", *options, "Procfile"],
            cwd=tmp_path,
            env={**bare_environment(), "ILM_PORT": str(port), "PYTHONWARNINGS": "ignore"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        runs.append(Running(process, tmp_path, port))
        return runs[-1]

    yield started
    for run in runs:
        for pid in run.family() if run.process.poll() is None else ():
            send(pid, signal.SIGKILL)
        run.process.communicate()


def test_ready_is_said_once_and_every_other_line_names_its_process(start: Start) -> None:
    run = start()

    assert run.until("ready:") == f"ready: http://127.0.0.1:{run.port}"
    run.noted(4)
    send(run.pid("web"), signal.SIGKILL)
    run.noted(5)
    run.process.terminate()

    lines = run.rest()
    assert sum(line.startswith("ready:") for line in lines) == 1
    assert lines.count("web          | web begins") == 2
    assert "worker-pages | worker-pages begins" in lines


@pytest.mark.parametrize("name", ["web", "worker", "scheduler"])
def test_a_killed_process_is_back_and_what_it_had_started_is_gone(start: Start, name: str) -> None:
    run = start()
    run.all_up()
    killed = run.pid(name)
    child = int((run.folder / f"{name}.{killed}").read_text())

    send(killed, signal.SIGKILL)

    run.noted(5)
    eventually(lambda: run.pid(name) != killed)
    assert is_gone(child, SECONDS)


def test_no_process_that_died_is_left_alone_for_five_seconds() -> None:
    assert PAUSES.most < 5


def test_a_signal_stops_web_first_then_workers_then_the_scheduler(start: Start) -> None:
    run = start()
    run.all_up()
    family = run.family()

    run.process.terminate()

    assert run.process.wait(SECONDS) == 0
    web, *workers, scheduler = run.left()
    assert web == "web SIGTERM"
    assert sorted(workers) == ["worker SIGTERM", "worker-pages SIGTERM"]
    assert scheduler == "scheduler SIGTERM"
    assert are_gone(family)
    assert not list((run.folder / "var" / "run").iterdir())


def test_a_ctrl_c_in_the_terminal_reaches_the_processes_as_one_sigterm(start: Start) -> None:
    run = start()
    run.all_up()

    os.killpg(run.process.pid, signal.SIGINT)

    assert run.process.wait(SECONDS) == 0
    assert len(run.left()) == 4
    assert all(line.endswith("SIGTERM") for line in run.left())


def test_a_second_signal_kills_at_once(start: Start) -> None:
    run = start()
    (run.folder / "deaf").touch()
    run.until("ready:")
    family = run.family()

    def again() -> bool:
        run.process.terminate()
        return run.process.poll() is not None

    run.process.terminate()
    eventually((run.folder / "left.txt").exists)
    eventually(run.left)
    eventually(again)
    assert are_gone(family)
    assert set(run.left()) == {"web SIGTERM"}


def test_nothing_outlives_a_killed_restarter(start: Start) -> None:
    run = start()
    run.all_up()
    pids = [run.pid(name) for name in ("web", "worker", "worker-pages", "scheduler")]
    children = [int(path.read_text()) for path in run.notes()]

    run.process.kill()

    assert are_gone(pids)
    for child in children:
        send(child, signal.SIGKILL)


def test_a_subset_is_run_when_only_that_is_asked_for(start: Start) -> None:
    run = start("--only", "worker,scheduler")
    run.noted(2)
    run.process.terminate()

    assert not [line for line in run.rest() if line.startswith(("ready", "web"))]


def test_lines_are_read_without_a_shell() -> None:
    assert parse("web: python -m gunicorn 'api.app:build()'\n\n# word\n") == [
        Entry("web", ("python", "-m", "gunicorn", "api.app:build()"))
    ]


@pytest.mark.parametrize("text", ["web", "web:", ": python"])
def test_an_odd_line_is_refused(text: str) -> None:
    with pytest.raises(CannotStart, match="expected"):
        parse(text)


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(CannotStart, match="has no wep; it has web"):
        chosen(parse("web: true"), ["wep"])


def test_the_procfile_names_the_processes_of_the_architecture() -> None:
    procfile = Path(__file__).resolve().parents[3] / "Procfile"

    names = [entry.name for entry in parse(procfile.read_text())]

    assert names == ["web", "worker-llm", "worker-pages", "worker", "scheduler"]
