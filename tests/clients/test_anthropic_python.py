"""Anthropic's Python SDK, unmodified: messages, streams, tools, errors (XC-03)."""

from typing import Any

import anthropic
import pytest

from tests.fakes.vendor.scripts import Fault, Script, Tool
from tests.gateway import Gateway

LLM = "gpt-4o-mini"
ASKED: Any = [{"role": "user", "content": "Where does the walrus live?"}]
LOOK: Any = {"name": "look", "input_schema": {"type": "object", "properties": {}}}
SAID = "The walrus lives in the cold sea."


@pytest.fixture
def client(ilm: Gateway) -> anthropic.Anthropic:
    ilm.vendor.script(LLM, text=SAID)
    return ilm.anthropic(max_retries=0)


def test_a_message_is_answered_by_another_vendors_llm(
    client: anthropic.Anthropic, ilm: Gateway
) -> None:
    answer = client.messages.create(model=LLM, max_tokens=100, system="Be brief.", messages=ASKED)

    block: Any = answer.content[0]
    assert (block.text, answer.stop_reason, answer.model) == (SAID, "end_turn", LLM)
    meter = ilm.vendor.meter(LLM)
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (meter.input, meter.output)
    assert meter.calls[0].body["messages"][0]["role"] in {"system", "developer"}


def test_a_streamed_message_is_the_same(client: anthropic.Anthropic) -> None:
    whole = client.messages.create(model=LLM, max_tokens=100, messages=ASKED)
    with client.messages.stream(model=LLM, max_tokens=100, messages=ASKED) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()

    assert text == SAID
    assert (final.content[0].to_dict(), final.usage.output_tokens, final.stop_reason) == (
        whole.content[0].to_dict(),
        whole.usage.output_tokens,
        whole.stop_reason,
    )


def test_what_stopped_an_answer_is_named_whole_and_streamed(ilm: Gateway) -> None:
    """Where the vendor names it: one that speaks OpenAI's wire does not."""
    told: Any = {"max_tokens": 100, "messages": ASKED, "stop_sequences": ["END"]}
    for model in (LLM, "claude-3-haiku-20240307"):
        ilm.vendor.script(model, text=SAID, stopped_by="END")
    with ilm.anthropic(max_retries=0) as client:
        answers = [client.messages.create(model="claude-3-haiku", **told)]
        with client.messages.stream(model="claude-3-haiku", **told) as stream:
            answers.append(stream.get_final_message())
        answers.append(client.messages.create(model=LLM, **told))

    seen = [(answer.stop_reason, answer.stop_sequence) for answer in answers]
    assert seen == [("stop_sequence", "END")] * 2 + [("end_turn", None)]


def test_a_tool_is_called_and_its_result_goes_back(
    client: anthropic.Anthropic, ilm: Gateway
) -> None:
    ilm.vendor.script(LLM, tools=(Tool(name="look", arguments='{"at":"sea"}'),))
    asked = client.messages.create(model=LLM, max_tokens=100, messages=ASKED, tools=[LOOK])
    call: Any = asked.content[-1]
    ilm.vendor.script(LLM, text=SAID)

    result = {"type": "tool_result", "tool_use_id": call.id, "content": "a walrus"}
    conversation: Any = [
        *ASKED,
        {"role": "assistant", "content": [block.to_dict() for block in asked.content]},
        {"role": "user", "content": [result]},
    ]
    answer = client.messages.create(model=LLM, max_tokens=100, messages=conversation, tools=[LOOK])

    assert (call.name, call.input, asked.stop_reason) == ("look", {"at": "sea"}, "tool_use")
    assert answer.content[0].to_dict()["text"] == SAID
    sent = ilm.vendor.meter(LLM).calls[-1].body["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "tool"]


@pytest.mark.parametrize("wanted", ["gpt-0", "gpt-4o"])
def test_refusals_come_in_anthropics_words(client: anthropic.Anthropic, wanted: str) -> None:
    error = {"gpt-0": anthropic.NotFoundError, "gpt-4o": anthropic.PermissionDeniedError}[wanted]

    with pytest.raises(error) as refused:
        client.messages.create(model=wanted, max_tokens=100, messages=ASKED)

    body: Any = refused.value.body
    assert body["type"] == "error"
    assert refused.value.request_id


def test_without_money_it_is_a_billing_error_and_nobody_tries_again(
    client: anthropic.Anthropic, ilm: Gateway
) -> None:
    ilm.newcomer("poor-anthropic@example.org", nano=0)

    with pytest.raises(anthropic.APIStatusError) as refused:
        ilm.anthropic(max_retries=3).messages.create(model=LLM, max_tokens=9, messages=ASKED)

    body: Any = refused.value.body
    assert (refused.value.status_code, body["error"]["type"]) == (402, "billing_error")


def test_a_stream_that_breaks_raises(client: anthropic.Anthropic, ilm: Gateway) -> None:
    ilm.vendor.script(LLM, Script(text=SAID).with_fault(Fault.RESET_MIDWAY))
    stream = client.messages.create(model=LLM, max_tokens=100, messages=ASKED, stream=True)
    heard: list[str] = []

    with pytest.raises(anthropic.APIStatusError):
        heard.extend(event.type for event in stream)

    assert "content_block_delta" in heard
    assert "message_stop" not in heard
