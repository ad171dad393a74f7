"""What people build with, unmodified: langchain-openai, pydantic-ai, and the `llm` command."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.vendor.scripts import Tool
from tests.gateway import Gateway
from tests.servers import ROOT

LLM = "gpt-4o-mini"
SAID = "The walrus lives in the cold sea."
ASKED = "Where does the walrus live?"


def heard(ilm: Gateway, name: str) -> dict[str, Any]:
    """Return what a framework heard."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.clients.frameworks", name],
        env={**os.environ, "ILM_AT": ilm.web.address, "ILM_WITH": ilm.key},
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("wire", ["chat", "responses"])
def test_langchain_invokes_streams_and_counts(ilm: Gateway, wire: str) -> None:
    ilm.vendor.script(LLM, text=SAID)

    answer = heard(ilm, f"langchain:{wire}")

    assert (answer["whole"], answer["streamed"], answer["tools"]) == (SAID, SAID, [])
    calls = ilm.vendor.meter(LLM).calls
    assert answer["usage"]["output_tokens"] == calls[2].output


@pytest.mark.parametrize("wire", ["chat", "responses"])
def test_langchain_binds_tools(ilm: Gateway, wire: str) -> None:
    ilm.vendor.script(LLM, tools=(Tool(name="look", arguments='{"at":"sea"}'),))

    assert heard(ilm, f"langchain:{wire}")["tools"] == [["look", {"at": "sea"}]]


@pytest.mark.parametrize("wire", ["chat", "responses", "anthropic"])
def test_pydantic_ai_answers_on_every_wire(ilm: Gateway, wire: str) -> None:
    ilm.vendor.script(LLM, text=SAID)

    assert heard(ilm, f"pydantic:{wire}") == {"whole": SAID, "streamed": SAID}


@pytest.mark.parametrize("flags", [(), ("--no-stream",)], ids=["streamed", "whole"])
def test_the_llm_command_answers(ilm: Gateway, tmp_path: Path, flags: tuple[str, ...]) -> None:
    ilm.vendor.script(LLM, text=SAID)
    (tmp_path / "extra-openai-models.yaml").write_text(
        f"- model_id: ilm\n  model_name: {LLM}\n  api_base: {ilm.url}\n  api_key_name: ilm\n"
    )
    (tmp_path / "keys.json").write_text(json.dumps({"ilm": ilm.key}))

    done = subprocess.run(
        [sys.executable, "-m", "llm", "-m", "ilm", *flags, ASKED],
        env={**os.environ, "LLM_USER_PATH": str(tmp_path)}, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip

    assert (done.stdout.strip(), done.returncode) == (SAID, 0), done.stderr
