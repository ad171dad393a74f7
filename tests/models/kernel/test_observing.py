"""A process that is observed: its last words, its reports, and what it does without either."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from models.kernel import reports
from models.kernel.settings import BadSettings
from models.kernel.tracing import SERVER, span, trace_of
from tests.fakes.intake import Intake
from tests.servers import ROOT, isolated

SECRET = "ilm_live_abcdefgh12345678"
START = """
import logging, sys, threading, warnings
from pathlib import Path
from models.kernel import reports
from models.kernel.logs import about, get_logger
from models.kernel.observing import observe
from models.kernel.settings import Settings
reports.FLUSH_SECONDS = 60.0
library = logging.getLogger("a.library")
library.addHandler(logging.StreamHandler(sys.stderr))
library.propagate = False
end = observe(Settings(home=Path(sys.argv[1]), sentry_dsn=sys.argv[2]), "web")
log = get_logger("here")
"""
WORK = "def work(): "
IN_A_THREAD = "thread = threading.Thread(target=work); thread.start(); thread.join()"


def ran(home: Path, code: str, dsn: str = "", status: int = 0) -> list[dict[str, Any]]:
    """Run code in an observed process; return what it logged."""
    done = subprocess.run(
        [sys.executable, "-c", START + code, str(home), dsn],
        cwd=ROOT, env=isolated(), capture_output=True, text=True, check=False, timeout=180,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (status, ""), done.stderr
    assert SECRET not in done.stderr
    return [json.loads(line) for line in done.stderr.splitlines()]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (f"log.info('it', detail={{'a': ['{SECRET}']}})", 0),
        (f"log.info('{SECRET}')", 0),
        (f"library.error('%s', '{SECRET}')", 0),
        (f"library.error({{'a': '{SECRET}'}})", 0),
        (f"try: raise ValueError('{SECRET}')\nexcept ValueError: log.exception('it')", 0),
        (f"try: raise ValueError('{SECRET}')\nexcept ValueError: library.exception('it')", 0),
        (f"log.error('it', exc_info=ValueError('{SECRET}'))", 0),
        (f"with about(x='{SECRET}'): library.warning('it')", 0),
        (f"warnings.warn('{SECRET}')", 0),
        (f"raise RuntimeError('{SECRET}')", 1),
        (f"{WORK}raise RuntimeError('{SECRET}')\n{IN_A_THREAD}", 0),
    ],
    ids=[
        "a field", "an event", "a library's argument", "a library's object", "our stack",
        "a library's stack", "an error", "an id", "a warning", "the end of the process",
        "the end of a thread",
    ],
)  # fmt: skip
def test_a_planted_secret_is_in_no_line_whoever_wrote_it(
    tmp_path: Path, code: str, status: int
) -> None:
    lines = ran(tmp_path, code, status=status)

    assert len(lines) == 1
    assert "***" in json.dumps(lines[0])


def test_last_words_have_their_stack(tmp_path: Path) -> None:
    (line,) = ran(tmp_path, "1 / 0", status=1)

    assert (line["event"], line["level"]) == ("process.died", "critical")
    assert "ZeroDivisionError" in line["exception"]


def test_without_settings_nothing_of_tracing_or_reporting_is_loaded(tmp_path: Path) -> None:
    code = "log.info('it', loaded=[m for m in sys.modules if m.startswith(('opentel', 'sentry'))])"

    (line,) = ran(tmp_path, code)

    assert line["loaded"] == []


def items(intake: Intake) -> list[dict[str, Any]]:
    """Return the events of the envelopes that came."""
    lines = [line for each in intake.posted for line in each.body.splitlines()]
    parsed = [json.loads(line) for line in lines if line.startswith(b"{")]
    return [each for each in parsed if "platform" in each]


def test_errors_are_reported_with_their_stack_and_without_anything_private(
    tmp_path: Path,
) -> None:
    code = f"""
def work(secret):
    raise ValueError("bad: " + secret)
with about(request_id="req_7", job_id="8"):
    try:
        work("{SECRET}")
    except ValueError as error:
        log.error("http.failed", exc_info=error, password="hunter2", page=3)
library.error("ada@example.org was here")
log.warning("not.reported")
end()
"""
    with Intake() as intake:
        ran(tmp_path, code, f"http://public@127.0.0.1:{intake.port}/1")
        failed, foreign = items(intake)
        sent = b"".join(each.body for each in intake.posted).decode()

    assert failed["tags"].items() >= {
        "event": "http.failed", "request_id": "req_7", "job_id": "8", "process": "web",
    }.items()  # fmt: skip
    (error,) = failed["exception"]["values"]
    assert (error["type"], error["value"]) == ("ValueError", "bad: ***")
    assert [frame["function"] for frame in error["stacktrace"]["frames"]] == ["<module>", "work"]
    assert failed["contexts"]["line"]["page"] == 3
    assert foreign["message"] == "*** was here"
    for private in (SECRET, "hunter2", "ada@example.org", "not.reported", "vars"):
        assert private not in sent


def test_an_ingest_that_is_away_is_nobodys_trouble(tmp_path: Path) -> None:
    lines = ran(tmp_path, "log.error('it'); end()", "http://public@127.0.0.1:1/1")

    assert lines[0]["event"] == "it"


@pytest.mark.parametrize("dsn", ["not an address", "http://127.0.0.1/"])
def test_a_dsn_that_is_none_stops_the_boot(dsn: str) -> None:
    with pytest.raises(BadSettings, match="SENTRY_DSN"):
        reports.start(dsn, "web")


def test_a_request_names_its_trace_the_same_way_everywhere() -> None:
    ours = "req_" + "0af7" * 8

    assert f"{trace_of(ours).id:032x}" == "0af7" * 8
    assert trace_of("theirs") == trace_of("theirs")
    assert trace_of("theirs") != trace_of("others")
    assert trace_of("req_" + "0" * 32).id != 0


def test_a_span_that_nobody_wants_is_nothing() -> None:
    with span("it", SERVER, within="req_7") as nothing:
        assert nothing is None
