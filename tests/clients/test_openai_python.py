"""OpenAI's Python SDK, unmodified: chat, streams, tools, responses, errors (XC-01, XC-04)."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest

from jobs.streams import stream_key
from models.kernel.cache import open_cache
from models.kernel.ids import parse_id
from tests.fakes.vendor.scripts import Fault, Script, Tool
from tests.gateway import Gateway
from tests.processes import until

LLM = "gpt-4o-mini"
ASKED: Any = [{"role": "user", "content": "Where does the walrus live?"}]
LOOK: Any = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {}}},
}
SAID = "The walrus lives in the cold sea."
CHAT = "/v1/chat/completions"
AGAIN = {"x-stainless-retry-count": "1"}
"""What the SDK says of a request that it sends once more."""


@pytest.fixture
def client(ilm: Gateway) -> openai.OpenAI:
    ilm.vendor.script(LLM, text=SAID)
    return ilm.openai(max_retries=0)


def test_a_chat_is_answered_with_usage_and_cost(client: openai.OpenAI, ilm: Gateway) -> None:
    answer = client.chat.completions.create(model=LLM, messages=ASKED)

    assert answer.choices[0].message.content == SAID
    assert (answer.model, answer.choices[0].finish_reason) == (LLM, "stop")
    assert answer.usage is not None
    meter = ilm.vendor.meter(LLM)
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (
        meter.input,
        meter.output,
    )
    cost = (meter.input * 150_000 + meter.output * 600_000) * 14 / 10 / 1_000
    extra: Any = answer.model_extra
    assert extra["x_ilm"]["cost_nano_usd"] == str(int(cost + 0.5))
    assert answer._request_id


def test_a_streamed_chat_is_the_same_answer(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model=LLM, messages=ASKED)
    chunks = list(
        client.chat.completions.create(
            model=LLM, messages=ASKED, stream=True, stream_options={"include_usage": True}
        )
    )

    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage == whole.usage
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"


def test_tools_and_unknown_fields_reach_the_vendor_and_come_back(
    client: openai.OpenAI, ilm: Gateway
) -> None:
    ilm.vendor.script(LLM, tools=(Tool(name="look", arguments='{"at":"sea"}'),))

    answer = client.chat.completions.create(
        model=LLM, messages=ASKED, tools=[LOOK], extra_body={"x_unheard_of": 7}
    )

    calls: Any = answer.choices[0].message.tool_calls
    assert (calls[0].function.name, json.loads(calls[0].function.arguments)) == (
        "look",
        {"at": "sea"},
    )
    assert answer.choices[0].finish_reason == "tool_calls"
    assert ilm.vendor.meter(LLM).calls[-1].body["x_unheard_of"] == 7


def test_responses_are_answered_streamed_and_gone_on_from(client: openai.OpenAI) -> None:
    first = client.responses.create(model=LLM, input="Where?")
    second = client.responses.create(model=LLM, input="And why?", previous_response_id=first.id)
    with client.responses.stream(model=LLM, input="Where?") as stream:
        kinds = [event.type for event in stream]
        streamed = stream.get_final_response()

    assert first.output_text == second.output_text == streamed.output_text == SAID
    assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")
    assert [item.type for item in client.responses.input_items.list(first.id)] == ["message"]


def test_a_background_response_is_polled_resumed_and_forgotten(
    client: openai.OpenAI, ilm: Gateway
) -> None:
    ilm.vendor.script(LLM, text=SAID, pace=0.1)

    made = client.responses.create(model=LLM, input="Where?", background=True)
    assert made.status in {"queued", "in_progress"}
    events = list(client.responses.retrieve(made.id, stream=True))
    later = list(client.responses.retrieve(made.id, stream=True, starting_after=4))

    assert client.responses.retrieve(made.id).output_text == SAID
    assert [e.sequence_number for e in events] == list(range(len(events)))
    assert [e.to_json() for e in later] == [e.to_json() for e in events[5:]]
    client.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)


def test_what_is_forgotten_can_be_read_nowhere_as_a_job_neither(
    client: openai.OpenAI, ilm: Gateway
) -> None:
    ilm.vendor.script(LLM, text=SAID)
    named = {"Idempotency-Key": "forget-me"}
    made = client.responses.create(model=LLM, input="Where?", extra_headers=named)
    job = f"job_{made.id.removeprefix('resp_')}"
    places = (f"/v1/jobs/{job}", f"/v1/jobs/{job}/events")
    assert [SAID in ilm.get(place).text for place in places] == [True, True]

    client.responses.delete(made.id)

    assert [ilm.get(place).status_code for place in places] == [404, 404]
    assert job not in ilm.get("/v1/jobs").text
    for again in ({"extra_headers": named}, {"previous_response_id": made.id}):
        with pytest.raises(openai.APIStatusError) as refused:
            client.responses.create(model=LLM, input="Where?", **again)
        assert refused.value.status_code in {400, 404}
        assert SAID not in refused.value.response.text
    cache = open_cache(ilm.settings)
    assert not cache.exists(stream_key(parse_id("job", job)))
    cache.close()


def test_a_response_that_is_forgotten_while_it_is_written_is_cancelled(
    client: openai.OpenAI, ilm: Gateway
) -> None:
    ilm.vendor.script(LLM, pace=0.3, deltas=1_000)
    made = client.responses.create(model=LLM, input="Where?", background=True)
    until(lambda: ilm.vendor.meter(LLM).calls, "nobody is asked")

    client.responses.delete(made.id)

    until(lambda: ilm.vendor.meter(LLM).closed, "it is still being written")


def test_a_background_response_is_cancelled_and_the_vendor_is_hung_up_on(
    client: openai.OpenAI, ilm: Gateway
) -> None:
    ilm.vendor.script(LLM, pace=0.3, deltas=1_000)
    made = client.responses.create(model=LLM, input="Where?", background=True)
    stream = client.responses.retrieve(made.id, stream=True)
    next(event for event in stream if event.type == "response.output_text.delta")

    assert client.responses.cancel(made.id).status == "cancelled"
    assert client.responses.retrieve(made.id).status == "cancelled"
    until(lambda: ilm.vendor.meter(LLM).closed, "it is still being written")


@pytest.mark.parametrize(
    ("model", "error", "code"),
    [
        ("gpt-0", openai.NotFoundError, "model_not_found"),
        ("gpt-4o", openai.PermissionDeniedError, "forbidden"),
    ],
)
def test_a_model_one_may_not_have_is_refused_in_openais_words(
    client: openai.OpenAI, model: str, error: type[openai.APIStatusError], code: str
) -> None:
    with pytest.raises(error) as refused:
        client.chat.completions.create(model=model, messages=ASKED)

    assert refused.value.code == code


def test_without_money_nothing_is_asked_and_no_client_tries_again(
    client: openai.OpenAI, ilm: Gateway
) -> None:
    ilm.newcomer("poor@example.org", nano=0)

    with pytest.raises(openai.APIStatusError) as refused:
        ilm.openai(max_retries=2).chat.completions.create(model=LLM, messages=ASKED)

    assert (refused.value.status_code, refused.value.code) == (402, "insufficient_quota")
    assert ilm.vendor.meter(LLM).calls == []


def test_a_bad_key_and_a_bad_body_are_refused(client: openai.OpenAI, ilm: Gateway) -> None:
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="ilm_live_wrong").chat.completions.create(
            model=LLM, messages=ASKED
        )
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model=LLM, messages=[])


def test_a_stream_that_breaks_raises_and_is_never_whole(
    client: openai.OpenAI, ilm: Gateway
) -> None:
    ilm.vendor.script(LLM, Script(text=SAID).with_fault(Fault.RESET_MIDWAY))
    heard: list[Any] = []
    stream = client.chat.completions.create(model=LLM, messages=ASKED, stream=True)

    with pytest.raises(openai.APIError) as broken:
        heard.extend(stream)

    assert broken.value.code == "upstream_error"
    assert all(c.choices[0].finish_reason is None for c in heard if c.choices)


def test_a_retry_that_the_sdk_sends_by_itself_joins_the_call_it_repeats(
    client: openai.OpenAI, ilm: Gateway
) -> None:
    ilm.vendor.script(LLM, text=SAID, delay=2.5)
    impatient = ilm.openai(timeout=1, max_retries=8)

    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(impatient.chat.completions.create, model=LLM, messages=ASKED)
        until(lambda: ilm.vendor.meter(LLM).calls, "nobody is asked")
        stays = ilm.post(CHAT, {"messages": ASKED, "model": LLM}, headers=AGAIN)
        said = answer.result().choices[0].message.content

    assert said == stays.json()["choices"][0]["message"]["content"] == SAID
    assert len(ilm.vendor.meter(LLM).calls) == 1
