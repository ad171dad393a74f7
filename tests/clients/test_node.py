"""OpenAI's and Anthropic's Node SDKs, unmodified."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MISSING
from tests.fakes.vendor.scripts import Fault, Script
from tests.gateway import Gateway

HERE = Path(__file__).parent / "node"
PROGRAMS = Path(sys.executable).parent
LLM = "gpt-4o-mini"
SAID = "The walrus lives in the cold sea."


@pytest.fixture(scope="session")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clients as npm's lock has them, in a folder of their own."""
    home = tmp_path_factory.mktemp("node")
    for file in HERE.iterdir():
        shutil.copy(file, home)
    done = subprocess.run(
        [PROGRAMS / "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
        cwd=home, env=_environment(), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    if done.returncode:
        MISSING["Node clients"] = "npm could not install them"
        pytest.skip("npm could not install them")
    return home


def _environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PATH": f"{PROGRAMS}:{os.environ['PATH']}", **more}


def heard(clients: Path, ilm: Gateway, scene: str) -> dict[str, Any]:
    done = subprocess.run(
        [PROGRAMS / "node", "clients.mjs", scene], cwd=clients, timeout=120, check=False,
        env=_environment(ILM_AT=ilm.web.address, ILM_WITH=ilm.key), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_every_answer_is_heard_whole_streamed_and_resumed(ilm: Gateway, clients: Path) -> None:
    ilm.vendor.script(LLM, text=SAID)

    answers = heard(clients, ilm, "answers")

    assert answers == dict.fromkeys(answers, SAID)
    assert len(answers) == 6


def test_refusals_are_the_clients_own_errors(ilm: Gateway, clients: Path) -> None:
    refusals = heard(clients, ilm, "refusals")

    assert refusals["openai"] == {
        "kind": "NotFoundError", "status": 404, "code": "model_not_found",
    }  # fmt: skip
    assert (refusals["anthropic"]["kind"], refusals["anthropic"]["status"]) == (
        "NotFoundError", 404,
    )  # fmt: skip


def test_a_broken_stream_is_an_error_in_both(ilm: Gateway, clients: Path) -> None:
    ilm.vendor.script(LLM, Script(text=SAID).with_fault(Fault.RESET_MIDWAY))

    breaks = heard(clients, ilm, "breaks")

    assert breaks["openai"]["kind"] == "APIError"
    assert breaks["openai"]["code"] == "upstream_error"
    assert breaks["anthropic"]["kind"].endswith("APIError")
