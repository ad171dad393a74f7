"""Answers in chats: whole or streamed, to the letter of M-05 and M-21."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from models.accounts import Person
from models.books import Book
from models.kernel.ids import wire_id
from tests import factories
from tests.api.chats.conftest import LLM, Chatter, begun
from tests.fakes.vendor.meter import text_in
from tests.fakes.vendor.scripts import Fault, Script, Tool
from tests.gateway import Gateway

SCHEMA = {
    "type": "object", "properties": {"degrees": {"type": "integer"}}, "required": ["degrees"],
}  # fmt: skip


def test_an_answer_has_the_shape_of_the_requirements_and_is_kept(ada: Chatter) -> None:
    answer = ada.say("Where does the walrus live?")

    assert answer["id"].startswith("msg_")
    assert answer["content"]
    assert answer["citations"] == []
    assert set(answer["usage"]) >= {"promptTokens", "completionTokens", "totalTokens", "costUsd"}
    assert answer["usage"]["costUsd"] > 0
    assert (answer["model"], answer["status"], answer["finishReason"]) == (LLM, "complete", "stop")
    question, kept = ada.messages()
    assert (question["role"], question["content"]) == ("user", "Where does the walrus live?")
    assert kept == answer


def test_a_stream_is_to_the_letter(ada: Chatter) -> None:
    told = ada.stream().whole()

    data = [line for line in told.lines if line.startswith("data: ")]
    (kept,) = [m for m in ada.messages() if m["role"] == "assistant"]
    chunk = next(line for line in data if '"chunk"' in line)
    assert chunk.startswith('data: {"type":"chunk","content":"')
    usage = kept["usage"]
    assert data[-2] == (
        f'data: {{"type":"tokens","input":{usage["promptTokens"]},'
        f'"output":{usage["completionTokens"]}}}'
    )
    assert data[-1] == (
        f'data: {{"type":"done","finish_reason":"stop","message_id":"{kept["id"]}","cost_cents":1}}'
    )
    assert told.content == kept["content"]
    assert told.headers["X-Ilm-Job-Id"] == kept["jobId"]


def test_one_key_is_one_answer_however_often_it_is_sent(ada: Chatter, running: Gateway) -> None:
    running.vendor.script(LLM, Script(text="Once.", delay=0.3))
    body, headers = {"content": "Hello", "model": LLM}, {"Idempotency-Key": "one"}

    def send(_: int) -> dict[str, Any]:
        answer: dict[str, Any] = ada.send("POST", "/messages", body, headers=headers).json()
        return answer

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))

    assert all(answer == answers[0] for answer in answers)
    assert len(running.vendor.meter(LLM).calls) == 1
    assert len(ada.messages()) == 2
    other = ada.send("POST", "/messages", {**body, "content": "Bye"}, headers=headers)
    assert (other.status_code, other.headers["x-should-retry"]) == (409, "false")


def test_nothing_is_said_into_an_answer_that_is_being_written(
    ada: Chatter, running: Gateway
) -> None:
    running.vendor.script(LLM, Script(deltas=1_000, pace=0.1))
    reading = ada.stream()
    reading.until("chunk")

    refused = ada.send("POST", "/messages", {"content": "And?", "model": LLM})

    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "CONFLICT")
    ada.send("POST", "/cancel")
    running.vendor.script(LLM)
    assert ada.say("And now?")["status"] == "complete"


def test_the_llm_is_switched_in_mid_conversation_without_losing_it(
    ada: Chatter, running: Gateway
) -> None:
    running.vendor.script(LLM, Script(text="I am the first."))
    ada.say("Who are you?")
    answer = ada.say("And you?", model="claude-3-haiku")

    assert (answer["model"], answer["vendor"]) == ("claude-3-haiku", "anthropic")
    (call,) = running.vendor.meter("claude-3-haiku-20240307").calls
    said = [(m["role"], text_in(m["content"]).strip()) for m in call.body["messages"]]
    assert said == [
        ("user", "Who are you?"), ("assistant", "I am the first."), ("user", "And you?"),
    ]  # fmt: skip


def test_an_edit_branches_and_what_was_there_stays(ada: Chatter) -> None:
    first = ada.say("Where does the whale live?")
    question = ada.messages()[0]

    edited = ada.send(
        "PATCH", f"/messages/{question['id']}", {"content": "Where do walruses?", "model": LLM}
    ).json()

    shown = ada.messages()
    assert [m["content"] for m in shown] == ["Where do walruses?", edited["content"]]
    assert shown[0]["editedAt"] is not None
    assert len(ada.messages(branch="all")) == 4
    ada.send("PATCH", "", {"headId": question["id"]})
    assert [m["id"] for m in ada.messages()] == [question["id"], first["id"]]


def test_an_answer_is_given_once_more_beside_the_first(ada: Chatter) -> None:
    first = ada.say()

    again = ada.send(
        "POST", f"/messages/{first['id']}/regenerate", {"model": "claude-3-haiku"}
    ).json()

    assert (again["parentId"], again["model"]) == (first["parentId"], "claude-3-haiku")
    assert [m["id"] for m in ada.messages()] == [first["parentId"], again["id"]]
    assert ada.get()["messageCount"] == 3


def test_tools_are_passed_through_and_their_results_answered(
    ada: Chatter, running: Gateway
) -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    running.vendor.script(LLM, Script(tools=(Tool(name="look", arguments='{"at":"sea"}'),)))
    called = ada.stream("Look at the sea", wish={"tools": [tool]}).whole()
    answer = ada.messages()[-1]

    assert called.events[-1]["finish_reason"] == "tool_calls"
    assert called.first("tool_call")["name"] == "look"
    assert answer["toolCalls"] == [{"id": "call_fake", "name": "look", "arguments": '{"at":"sea"}'}]
    running.vendor.script(LLM, Script(text="It is wide."))
    result = {"role": "tool", "toolCallId": "call_fake", "tools": [tool]}
    assert ada.say("wide", **result)["content"] == "It is wide."
    sent = running.vendor.meter(LLM).calls[-1].body["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "tool"]
    assert sent[1]["tool_calls"][0]["function"]["name"] == "look"
    stray = ada.send("POST", "/messages", {"content": "x", "role": "tool", "toolCallId": "no"})
    assert (stray.status_code, stray.json()["error"]["details"][0]["field"]) == (400, "toolCallId")


@pytest.mark.parametrize(
    ("form", "said", "is_right"),
    [
        ({"type": "json_object"}, '{"sea": "cold"}', True),
        ({"type": "json_object"}, "The sea is cold.", False),
        ({"type": "json_schema", "schema": SCHEMA}, '{"degrees": 4}', True),
        ({"type": "json_schema", "schema": SCHEMA}, '{"degrees": "four"}', False),
        ({"type": "csv"}, "sea,degrees\nnorth,4", True),
        ({"type": "csv"}, "sea,degrees\nnorth", False),
    ],
)
def test_an_answer_in_a_format_is_checked(
    ada: Chatter, running: Gateway, form: dict[str, Any], said: str, is_right: bool
) -> None:
    running.vendor.script(LLM, Script(text=said))

    told = ada.stream(wish={"responseFormat": form}).whole()

    assert told.kinds.count("warning") == (0 if is_right else 1)
    assert told.kinds[-1] == "done"
    assert bool(ada.messages()[-1]["warnings"]) is not is_right


def test_the_same_question_is_answered_from_the_cache_for_free_when_that_is_wished(
    ada: Chatter, bob: Chatter, running: Gateway
) -> None:
    first = ada.say("What is a walrus?", cache=True)
    other = ada.another()
    told = other.stream("What is a walrus?", wish={"cache": True}).whole()
    answer = other.messages()[-1]

    assert not first["cached"]
    assert answer["cached"]
    assert (told.content, told.events[-1]["cost_cents"]) == (first["content"], 0)
    assert answer["usage"]["costNanoUsd"] == "0"
    assert not ada.another().say("What is a walrus?")["cached"]
    assert not bob.say("What is a walrus?", cache=True)["cached"]
    assert len(running.vendor.meter(LLM).calls) == 3


def test_about_a_book_the_answer_cites_its_pages_in_the_stream_and_after(ada: Chatter) -> None:
    person = Person.by_email(ada.email)
    book = factories.book(person, text_status="completed")
    factories.page_text(book, number=4, content="The walrus lives in the cold sea. It eats clams.")
    chat = ada.another(bookId=wire_id("book", book.id), model="ilm-extractive")

    told = chat.stream("Where does the walrus live?", wish={"model": None}).whole()

    answer = chat.messages()[-1]
    assert answer["citations"][0]["page"] == 4
    assert told.first("citation") == {"type": "citation", **answer["citations"][0]}
    assert (answer["model"], answer["usage"]["costNanoUsd"]) == ("ilm-extractive", "0")
    body = chat.get()
    assert 0 < body["contextTokens"] < body["contextWindow"]


def test_a_chat_about_a_book_that_is_gone_says_so(ada: Chatter) -> None:
    book = factories.book(Person.by_email(ada.email))
    chat = ada.another(bookId=wire_id("book", book.id), model="ilm-extractive")
    Book.update(deleted_at=factories.LATER).where(Book.id == book.id).execute()

    refused = chat.send("POST", "/messages", {"content": "Where?"})

    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "RESOURCE_DELETED")
    assert chat.messages() == []


def test_a_question_that_is_warned_of_is_answered_with_the_warning(ada: Chatter) -> None:
    told = ada.stream("how to launder money").whole()
    blocked = ada.send("POST", "/messages", {"content": "how to build a bomb", "model": LLM})

    assert told.kinds.count("warning") == 1
    assert told.first("warning")["category"] == "illegal"
    assert ada.messages()[-1]["warnings"][0]["category"] == "illegal"
    assert (blocked.status_code, blocked.json()["error"]["code"]) == (400, "CONTENT_BLOCKED")
    assert len(ada.messages()) == 2


def test_without_money_nothing_is_said_and_nothing_kept(running: Gateway) -> None:
    running.calm()
    running.newcomer("poor@example.org", nano=0)
    poor = begun(running)

    refused = poor.send("POST", "/messages", {"content": "Hello", "model": LLM})

    assert refused.status_code == 402
    assert poor.messages() == []
    assert poor.get()["title"] == ""


def test_what_every_vendor_refuses_fails_and_the_chat_goes_on(
    ada: Chatter, running: Gateway
) -> None:
    running.vendor.script(LLM, Script().with_fault(Fault.REFUSED))

    refused = ada.send("POST", "/messages", {"content": "Hello", "model": LLM})

    failed = ada.messages()[-1]
    assert refused.status_code == 400
    assert (failed["status"], failed["error"]["code"]) == ("failed", "UPSTREAM_REFUSED")
    assert failed["usage"]["costNanoUsd"] == "0"
    running.calm()
    assert ada.say("And now?")["status"] == "complete"


def test_a_session_is_a_chat_and_answers_in_its_own_shape(ada: Chatter) -> None:
    begun_ = ada.send("POST", "/v1/ai/sessions", {"title": "Walruses"})
    session = begun_.json()

    reply = ada.send(
        "POST", f"/v1/ai/sessions/{session['id']}/messages", {"content": "Hello", "model": LLM}
    ).json()

    assert begun_.status_code == 201
    assert list(reply) == ["id", "content", "citations", "usage"]
    assert ada.get(f"/v1/chats/{session['id']}")["messages"][1]["id"] == reply["id"]
    assert session["id"] in {each["id"] for each in ada.get("/v1/ai/sessions")["data"]}
    assert ada.get(f"/v1/ai/sessions/{session['id']}")["messageCount"] == 2
    assert ada.send("DELETE", f"/v1/ai/sessions/{session['id']}").status_code == 204
    assert ada.send("GET", f"/v1/chats/{session['id']}").status_code == 404


def test_a_chat_tells_what_its_answers_have_cost_so_far(ada: Chatter) -> None:
    for _ in range(2):
        ada.say("What is a walrus?")
    costs = [int(each["usage"]["costNanoUsd"]) for each in ada.messages() if each.get("usage")]

    told = ada.send("GET", "").json()

    assert (told["costNanoUsd"], sum(costs) > 0) == (str(sum(costs)), True)
    assert told["costUsd"] == sum(costs) / 1e9
