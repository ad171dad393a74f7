"""The embedded stack as root, as a root with fewer rights, and as somebody ordinary."""

import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from tests.models.kernel.embedded.conftest import Start
from tests.models.kernel.embedded.stacks import SECONDS, bare_environment

pytestmark = pytest.mark.stack

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
SOMEBODY = pwd.getpwnam("daemon").pw_uid
BECOME = ["setpriv", f"--reuid={SOMEBODY}", f"--regid={SOMEBODY}", "--clear-groups"]
ONLY_READ = "-all,+dac_read_search"
PASS = [f"--inh-caps={ONLY_READ}", f"--ambient-caps={ONLY_READ}", f"--bounding-set={ONLY_READ}"]


def owner(pid: int) -> int:
    """Return the uid a process runs as."""
    return Path(f"/proc/{pid}").stat().st_uid


@pytest.fixture
def somebody() -> list[str]:
    """The words that become somebody ordinary, who may pass to this Python if it is shut away."""
    for words in (BECOME, [*BECOME, *PASS]):
        trial = subprocess.run(
            [
                *words,
                "--",
                sys.executable,
                "-c",
                "import models.kernel.embedded.supervisor, redis, psycopg2",
            ],
            check=False,
            capture_output=True,
            cwd="/",
            env=bare_environment(),
        )
        if trial.returncode == 0:
            return [*words, "--"]
    pytest.skip("this Python cannot be run by an ordinary user")


@pytest.fixture
def open_home(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Path:
    """The home, owned by somebody ordinary who can reach it."""
    home.mkdir()
    os.chown(home, SOMEBODY, SOMEBODY)
    for folder in (home.parent, *home.parent.parents):
        if folder.is_relative_to(tmp_path_factory.getbasetemp().parent):
            folder.chmod(0o711)
    return home


@AS_ROOT
def test_as_root_the_servers_run_as_nobody_below_a_closed_folder(start: Start, home: Path) -> None:
    home.parent.chmod(0o700)

    stack = start().up()

    assert owner(stack.server("postgres")) != 0
    assert owner(stack.server("valkey")) != 0
    assert (home / "embedded.json").stat().st_uid == 0


@AS_ROOT
def test_as_root_without_the_right_to_pass_through_the_refusal_says_what_to_do(
    start: Start, home: Path
) -> None:
    home.parent.chmod(0o700)

    words = start(prefix=["setpriv", "--bounding-set=-dac_read_search", "--"]).refusal()

    assert "CAP_DAC_READ_SEARCH" in words
    assert "DATABASE_URL" in words


@AS_ROOT
def test_as_somebody_ordinary_all_is_theirs(
    start: Start, open_home: Path, somebody: list[str]
) -> None:
    stack = start(prefix=somebody).up()

    assert {owner(pid) for pid in stack.family()} == {SOMEBODY}
    assert {path.stat().st_uid for path in open_home.rglob("*")} == {SOMEBODY}
    assert stack.answers("postgres")
    assert stack.answers("valkey")


@AS_ROOT
def test_a_home_of_root_is_refused_to_somebody_ordinary(
    start: Start, open_home: Path, somebody: list[str]
) -> None:
    os.chown(open_home, 0, 0)
    start("true").process.wait(SECONDS)

    assert "run as its owner" in start(prefix=somebody).refusal()
