"""Histories: what a response goes on from, and what would spoil it."""

from collections.abc import Mapping
from typing import Any

import pytest

from jobs.llms.histories import history_of
from models.jobs import JobRow
from tests.jobs.wires.flows import JOB, NOW, Flow

BEFORE = {"role": "user", "content": "Where is the walrus?"}
ASKED = {"role": "user", "content": "And why?"}
SILENT: Mapping[str, Any] = {"role": "assistant", "content": None}
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}


def response(flow: Flow, *earlier: Mapping[str, Any]) -> JobRow:
    asked = {"earlier": list(earlier), "body": {"input": "And why?"}}
    return JobRow(id=JOB, created_at=NOW, input=asked, result=flow.result())


def test_a_conversation_goes_on_from_what_was_said() -> None:
    assert history_of(response(Flow().say("It is cold."), BEFORE)) == [
        BEFORE,
        ASKED,
        {"role": "assistant", "content": "It is cold."},
    ]


@pytest.mark.parametrize("flow", [Flow(), Flow().think("hm")], ids=["nothing", "thinking"])
def test_a_response_that_says_nothing_is_left_out(flow: Flow) -> None:
    assert history_of(response(flow, BEFORE, SILENT)) == [BEFORE, ASKED]


def test_a_response_that_calls_a_tool_says_something() -> None:
    called = {**SILENT, "tool_calls": [CALL]}

    assert history_of(response(Flow().use("look", "{}"), BEFORE, called))[1] == called
    assert history_of(response(Flow().use("look", "{}")))[-1]["tool_calls"]
