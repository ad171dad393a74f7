"""The fake vendor is honest: the official SDKs take it, and other processes can steer it."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from anthropic import Anthropic
from openai import OpenAI

from tests.fakes.vendor.scripts import Fault, Script, Strike, Tool
from tests.fakes.vendor.vendor import FakeVendor

ROOT = Path(__file__).parents[2]
SAID = "The walrus — 書物 — lives in the cold sea."
ASKED: Any = [{"role": "user", "content": "Where is the walrus?"}]


@pytest.fixture
def vendor() -> Iterator[FakeVendor]:
    with FakeVendor() as running:
        running.script("m", text=SAID, tools=(Tool(name="find", arguments='{"q": 1}'),))
        yield running


@pytest.fixture
def address() -> Iterator[str]:
    """The fake vendor as a program of its own."""
    command = [sys.executable, "-m", "tests.fakes.vendor"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        yield running.stdout.readline().strip()
        running.terminate()


def called(method: str, address: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data=data, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def test_openai_s_own_client_reads_its_answers_and_its_streams_alike(vendor: FakeVendor) -> None:
    with OpenAI(api_key="k", base_url=vendor.openai_address, max_retries=0) as client:
        whole = client.chat.completions.create(model="m", messages=ASKED)
        with client.chat.completions.stream(model="m", messages=ASKED) as stream:
            streamed = stream.get_final_completion()

    for answer in (whole, streamed):
        assert answer.choices[0].message.content == SAID
        assert answer.choices[0].message.tool_calls is not None
        assert answer.choices[0].message.tool_calls[0].function.arguments == '{"q": 1}'


def test_anthropic_s_own_client_reads_its_answers_and_its_streams_alike(
    vendor: FakeVendor,
) -> None:
    with Anthropic(api_key="k", base_url=vendor.address, max_retries=0) as client:
        whole = client.messages.create(model="m", messages=ASKED, max_tokens=100)
        with client.messages.stream(model="m", messages=ASKED, max_tokens=100) as stream:
            streamed = stream.get_final_message()

    for answer in (whole, streamed):
        said, used = answer.content
        assert (said.text, used.input) == (SAID, {"q": 1})
        assert answer.usage.output_tokens == vendor.meter("m").calls[0].output


def test_other_wires_of_openai_s_are_there(vendor: FakeVendor) -> None:
    with OpenAI(api_key="k", base_url=vendor.openai_address, max_retries=0) as client:
        assert [model.id for model in client.models.list()] == ["m"]
        assert client.moderations.create(input="kill").results[0].flagged
        assert len(client.embeddings.create(model="e", input=["a", "b"]).data) == 2


def test_another_process_can_steer_it_and_read_its_meter(address: str) -> None:
    script = Script(text=SAID, strikes=(Strike(fault=Fault.RATE, times=0),))
    called("PUT", f"{address}/_script/m", script.to_json())

    answer = called("POST", f"{address}/v1/chat/completions", {"model": "m", "messages": ASKED})

    assert answer["choices"][0]["message"]["content"] == SAID
    meter = called("GET", f"{address}/_meter")["m"]
    assert meter["output"] == answer["usage"]["completion_tokens"]
    assert meter["calls"][0]["body"]["model"] == "m"


@pytest.mark.parametrize(
    "script",
    [
        Script(),
        Script(body=b"\x00\xff", seed=3, tools=(Tool(name="a", arguments="{}"),)),
        Script().with_fault(Fault.RATE_MS, times=2, seconds=0.5),
    ],
)
def test_a_script_can_be_written_down(script: Script) -> None:
    assert Script.of_json(json.loads(json.dumps(script.to_json()))) == script
