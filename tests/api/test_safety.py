"""Safety at the wires: what is blocked, warned of and redacted, in each wire's own words (S-04)."""

import json
from typing import Any
from uuid import UUID

import pytest
import requests

from models.flags import FlagRow
from models.kernel.database import database
from models.kernel.ids import parse_id
from tests.gateway import Gateway

GRAVE = "How do I kill my neighbour?"
ROUGH = "I am going to kill you."
PLAIN = "Where does the walrus live?"
CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"
PATHS = [CHAT, MESSAGES, RESPONSES]
LLM = "gpt-4o-mini"


def ask(ilm: Gateway, path: str, said: str, **more: Any) -> requests.Response:
    messages = [{"role": "user", "content": said}]
    bodies = {
        CHAT: {"messages": messages},
        MESSAGES: {"messages": messages, "max_tokens": 100},
        RESPONSES: {"input": said},
    }
    return ilm.post(path, {"model": LLM, **bodies[path], **more})


def account_of(ilm: Gateway) -> UUID:
    ((account,),) = database.rows("select account_id from person order by id desc limit 1")
    return UUID(str(account))


def flags(subject: UUID) -> list[tuple[str, str, str, str]]:
    return [(f.direction, f.category, f.severity, f.action) for f in FlagRow.about(subject)]


def job_of(answer: requests.Response) -> UUID:
    return parse_id("job", answer.headers["X-Ilm-Job-Id"])


def said_by(answer: requests.Response) -> tuple[str, str]:
    """Return the text of a whole answer on any wire, and why it ended."""
    body = answer.json()
    if "choices" in body:
        choice = body["choices"][0]
        return choice["message"]["content"], choice["finish_reason"]
    if "output" in body:
        (item,) = body["output"]
        return item["content"][0]["text"], body["status"]
    return "".join(block["text"] for block in body["content"]), body["stop_reason"]


def streamed_by(answer: requests.Response) -> tuple[str, str]:
    """Return the text of a stream of OpenAI's Chat Completions, and why it ended."""
    lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line]
    assert lines.pop() == "[DONE]"
    choices = [json.loads(line)["choices"][0] for line in lines]
    text = "".join(choice["delta"].get("content") or "" for choice in choices)
    return text, choices[-1]["finish_reason"]


@pytest.mark.parametrize("path", PATHS)
def test_a_grave_question_is_refused_before_anything_is_accepted_or_asked(
    ilm: Gateway, path: str
) -> None:
    ((before,),) = database.rows("select count(*) from job")

    answer = ask(ilm, path, GRAVE)

    error = answer.json()["error"]
    assert answer.status_code == 400
    assert error["type"] == "invalid_request_error"
    assert error.get("code", "content_policy_violation") == "content_policy_violation"
    assert "Threats" in error["message"]
    assert database.rows("select count(*) from job") == [(before,)]
    assert ilm.vendor.meter(LLM).calls == []
    assert flags(account_of(ilm)) == [("input", "violence", "high", "blocked")]


@pytest.mark.parametrize("path", PATHS)
def test_a_rough_question_is_answered_and_its_author_warned(ilm: Gateway, path: str) -> None:
    ilm.vendor.script(LLM, text="In the sea.")

    answer = ask(ilm, path, ROUGH)

    (warning,) = answer.json()["x_ilm"]["warnings"]
    assert said_by(answer)[0] == "In the sea."
    assert (warning["category"], "Threats" in warning["message"]) == ("violence", True)
    assert flags(job_of(answer)) == [("input", "violence", "medium", "warned")]


def test_the_warning_stands_at_the_end_of_a_stream_too(ilm: Gateway) -> None:
    answer = ask(ilm, CHAT, ROUGH, stream=True)

    last = answer.text.split("data: ")[-2]
    assert json.loads(last)["x_ilm"]["warnings"][0]["category"] == "violence"


@pytest.mark.parametrize(
    ("path", "end"), [(CHAT, "content_filter"), (MESSAGES, "refusal"), (RESPONSES, "incomplete")]
)
def test_a_grave_answer_ends_where_it_would_begin(ilm: Gateway, path: str, end: str) -> None:
    ilm.vendor.script(LLM, text=f"Well, listen. {GRAVE} Like this.", deltas=12)

    answer = ask(ilm, path, PLAIN)

    assert said_by(answer) == ("Well, listen. ", end)
    assert flags(job_of(answer)) == [("output", "violence", "high", "blocked")]


def test_a_stream_shows_nothing_of_a_grave_answer_and_says_why_it_ends(ilm: Gateway) -> None:
    ilm.vendor.script(LLM, text=f"Well, listen. {GRAVE} Like this.", deltas=12)

    answer = ask(ilm, CHAT, PLAIN, stream=True)

    assert streamed_by(answer) == ("Well, listen. ", "content_filter")


def test_a_rough_answer_is_redacted_the_same_in_a_stream_and_whole(ilm: Gateway) -> None:
    ilm.vendor.script(LLM, text=f"She said: {ROUGH} He left.", deltas=9)

    whole, streamed = ask(ilm, CHAT, PLAIN), ask(ilm, CHAT, PLAIN, stream=True)

    assert said_by(whole) == streamed_by(streamed)
    assert said_by(whole)[0].startswith("She said: █")
    assert said_by(whole)[0].endswith("He left.")
    assert "kill" not in streamed.text + whole.text
    for answer in (whole, streamed):
        assert flags(job_of(answer)) == [("output", "violence", "medium", "redacted")]


def test_how_strict_is_the_persons_choice(ilm: Gateway) -> None:
    ilm.vendor.script(LLM, text=f"She said: {ROUGH}", deltas=9)
    seen = {}
    for strictness in ("relaxed", "standard", "strict"):
        database.rows(
            "update person set ai_preferences = jsonb_build_object('safety', %s::text)",
            (strictness,),
        )
        asked, answered = ask(ilm, CHAT, ROUGH), ask(ilm, CHAT, PLAIN)
        seen[strictness] = (asked.status_code, said_by(answered)[1], "kill" in answered.text)

    assert seen == {
        "relaxed": (200, "stop", True),
        "standard": (200, "stop", False),
        "strict": (400, "content_filter", False),
    }


def test_a_grave_question_is_no_job_either(ilm: Gateway) -> None:
    wanted = {"model": LLM, "messages": [{"role": "user", "content": GRAVE}]}

    answer = ilm.post("/v1/jobs", {"type": "llm.completion", "input": wanted})

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "CONTENT_BLOCKED")
    assert error["details"] == [{"field": "content", "message": "violence"}]
