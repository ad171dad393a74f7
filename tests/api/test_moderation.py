"""A second opinion at the doors: whoever asks, an endpoint outside judges too (S-01, S-04)."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
import requests

from jobs.safety.endpoint import USUAL
from models.kernel.database import database
from tests.fakes.vendor.scripts import Fault, Script
from tests.gateway import Gateway
from tests.processes import until

LLM = "gpt-4o-mini"
SAID = "Who wrote the book about how to kill a mockingbird with kindness?"
"""The endpoint warns of it, and the lexicon does not."""
ASKED: Any = {"model": LLM, "messages": [{"role": "user", "content": SAID}]}
DOORS = {
    "chat": ("/v1/chat/completions", ASKED),
    "messages": ("/v1/messages", {**ASKED, "max_tokens": 50}),
    "responses": ("/v1/responses", {"model": LLM, "input": SAID}),
    "job": ("/v1/jobs", {"type": "llm.completion", "input": ASKED}),
}
FLAGGED = """
select direction, category, severity, action from flag
where account_id = (select account_id from person order by id desc limit 1)
"""


@pytest.fixture(scope="module")
def variables() -> Mapping[str, str]:
    """The endpoint is the fake vendor's, which flags every text with the word kill."""
    return {"ILM_MODERATION": "openai"}


def grave() -> Script:
    result = {"categories": {"hate/threatening": True}, "category_scores": {}}
    return Script(body=json.dumps({"results": [result]}).encode())


def ask(ilm: Gateway, door: str) -> requests.Response:
    path, body = DOORS[door]
    return ilm.post(path, body)


def warned_of(answer: requests.Response) -> list[str]:
    warnings = answer.json()["x_ilm"].get("warnings", [])
    return [warning["category"] for warning in warnings]


@pytest.mark.parametrize("door", DOORS)
def test_what_the_endpoint_finds_grave_is_refused_at_every_door(ilm: Gateway, door: str) -> None:
    ilm.vendor.script(USUAL, grave())

    answer = ask(ilm, door)

    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("Please speak of people")
    assert ilm.vendor.meter(LLM).calls == []
    (call,) = ilm.vendor.meter(USUAL).calls
    assert call.body == {"model": USUAL, "input": [SAID]}
    assert call.headers["authorization"] == "Bearer sk-fake"


def test_of_what_the_endpoint_minds_the_author_is_warned(ilm: Gateway) -> None:
    answer = ask(ilm, "chat")

    assert warned_of(answer) == ["violence"]


def test_a_chat_is_judged_too(ilm: Gateway) -> None:
    ilm.vendor.script(USUAL, grave())
    chat = ilm.post("/v1/chats", {}).headers["Location"]

    answer = ilm.post(f"{chat}/messages", {"content": SAID, "model": LLM})

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "CONTENT_BLOCKED")
    assert ilm.get(f"{chat}/messages").json()["data"] == []
    assert database.rows(FLAGGED) == [("input", "hate", "high", "blocked")]


def test_a_line_of_a_batch_is_judged_too(ilm: Gateway) -> None:
    ilm.vendor.script(USUAL, grave())
    url = "/v1/chat/completions"
    line = json.dumps({"custom_id": "a", "method": "POST", "url": url, "body": ASKED})
    with ilm.openai(max_retries=0) as client:
        file = client.files.create(file=("lines.jsonl", line.encode()), purpose="batch")
        batch = client.batches.create(input_file_id=file.id, endpoint=url, completion_window="24h")
        until(lambda: client.batches.retrieve(batch.id).status == "completed", "it does not end")
        errors = client.batches.retrieve(batch.id).error_file_id or ""
        refused = json.loads(client.files.content(errors).text)

    assert refused["response"]["body"]["error"]["code"] == "content_policy_violation"
    assert ilm.vendor.meter(LLM).calls == []


@pytest.mark.parametrize("fault", [Fault.BROKEN, Fault.RATE], ids=str)
def test_while_the_endpoint_is_away_questions_go_on_by_the_lexicon_alone(
    ilm: Gateway, fault: Fault
) -> None:
    ilm.vendor.script(USUAL, Script().with_fault(fault, times=1))

    assert warned_of(ask(ilm, "chat")) == []
    assert warned_of(ask(ilm, "chat")) == ["violence"]


def test_an_endpoint_that_keeps_failing_is_asked_no_more_for_a_while(ilm: Gateway) -> None:
    ilm.vendor.script(USUAL, Script().with_fault(Fault.BROKEN))

    answers = [ask(ilm, "chat") for _ in range(8)]

    assert {answer.status_code for answer in answers} == {200}
    assert len(ilm.vendor.meter(USUAL).calls) == 5
