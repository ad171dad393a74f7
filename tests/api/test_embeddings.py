"""Vectors, models, moderations and counts, asked for by the official clients (XC-01, XC-03)."""

import base64
import json
from array import array
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import anthropic
import openai
import pytest

from models.kernel.database import database
from tests.fakes.vendor.scripts import Fault, Script
from tests.gateway import Gateway
from tests.processes import until

SMALL = "text-embedding-3-small"
TEXTS = ["the walrus sleeps", "a king reads", "the walrus dozes"]


@pytest.fixture(scope="module", autouse=True)
def _scheduler(running: Gateway) -> None:
    running.processes.scheduler()


@pytest.fixture
def client(ilm: Gateway) -> Iterator[openai.OpenAI]:
    with ilm.openai(max_retries=0) as made:
        yield made


@pytest.fixture
def anthropics(ilm: Gateway) -> Iterator[anthropic.Anthropic]:
    with ilm.anthropic(max_retries=0) as made:
        yield made


def test_the_local_model_makes_vectors_that_tell_likeness_for_nothing(
    client: openai.OpenAI,
) -> None:
    made = client.embeddings.create(model="ilm-hashing", input=TEXTS)

    one, two, three = (entry.embedding for entry in made.data)
    assert [entry.index for entry in made.data] == [0, 1, 2]
    assert len(one) == 384
    assert _likeness(one, three) > _likeness(one, two)
    extra: Any = made.model_extra
    assert extra["x_ilm"]["cost_nano_usd"] == "0"


def test_a_vendors_vectors_are_charged_by_its_own_count(
    client: openai.OpenAI, ilm: Gateway
) -> None:
    made = client.embeddings.create(model=SMALL, input=TEXTS)

    assert len(made.data) == len(TEXTS)
    assert made.usage.prompt_tokens == ilm.vendor.meter(SMALL).input
    nano = made.usage.prompt_tokens * 20 * 14 / 10
    extra: Any = made.model_extra
    assert extra["x_ilm"]["cost_nano_usd"] == str(int(nano + 0.5))
    job_id = extra["x_ilm"]["job_id"].removeprefix("job_")
    rows = database.rows(
        "select operation, llm, vendor, tokens_in, cost_nano from usage_line where job_id = %s",
        (job_id,),
    )
    assert rows == [("embedding", SMALL, "openai", made.usage.prompt_tokens, int(nano + 0.5))]


def test_base64_and_floats_are_the_same_numbers(ilm: Gateway) -> None:
    body = {"model": "ilm-hashing", "input": "a walrus"}
    floats = ilm.post("/v1/embeddings", body).json()["data"][0]["embedding"]
    packed = ilm.post("/v1/embeddings", {**body, "encoding_format": "base64"}).json()

    numbers = array("f", base64.b64decode(packed["data"][0]["embedding"]))
    assert list(numbers) == floats


def test_the_same_key_asks_the_vendor_once(ilm: Gateway) -> None:
    body = {"model": SMALL, "input": "a walrus"}
    answers = [
        ilm.post("/v1/embeddings", body, headers={"Idempotency-Key": "once"}).json()
        for _ in range(3)
    ]

    assert answers[0] == answers[1] == answers[2]
    assert len(ilm.vendor.meter(SMALL).calls) == 1


@pytest.mark.parametrize(
    ("body", "error", "told"),
    [
        ({"model": "no-such", "input": "a"}, openai.NotFoundError, "model_not_found"),
        ({"model": "ilm-hashing", "input": ""}, openai.BadRequestError, "validation_error"),
        (
            {"model": "ilm-hashing", "input": "a", "dimensions": 7},
            openai.BadRequestError,
            "validation_error",
        ),
        (
            {"model": "gemini-embedding-001", "input": "a"},
            openai.InternalServerError,
            "model_not_available",
        ),
    ],
    ids=["unknown model", "empty text", "a length it cannot make", "vendor without a key"],
)
def test_what_cannot_be_embedded_is_refused_in_openais_shape(
    client: openai.OpenAI, body: dict[str, Any], error: type[openai.APIStatusError], told: str
) -> None:
    with pytest.raises(error) as refused:
        client.embeddings.create(**body)

    assert refused.value.code == told


def test_a_vendor_that_fails_is_asked_again_and_charged_once(
    client: openai.OpenAI, ilm: Gateway
) -> None:
    ilm.vendor.script(SMALL, Script().with_fault(Fault.BROKEN, times=1))

    made = client.embeddings.create(model=SMALL, input=TEXTS)

    extra: Any = made.model_extra
    job_id = extra["x_ilm"]["job_id"].removeprefix("job_")
    assert database.rows("select count(*) from usage_line where job_id = %s", (job_id,)) == [(1,)]


def jobs_of(answers: list[dict[str, Any]]) -> set[str]:
    return {answer["x_ilm"]["job_id"] for answer in answers}


def test_a_retry_that_an_sdk_sends_by_itself_joins_the_job_it_repeats(ilm: Gateway) -> None:
    body = {"model": SMALL, "input": "a walrus that is asked for again"}
    sent = [
        ilm.post("/v1/embeddings", body, headers={"x-stainless-retry-count": count}).json()
        for count in ("0", "1", "2")
    ]
    anew = ilm.post("/v1/embeddings", body, headers={"x-stainless-retry-count": "0"}).json()

    assert len(jobs_of(sent)) == 1
    assert len(jobs_of([*sent, anew])) == 2
    assert len(ilm.vendor.meter(SMALL).calls) == 2


def test_who_hangs_up_ends_the_job_and_its_call_at_the_vendor(ilm: Gateway) -> None:
    ilm.vendor.script(SMALL, Script().with_fault(Fault.HANG))
    meter = ilm.vendor.meter(SMALL)
    line = HTTPConnection(urlsplit(ilm.web.address).netloc)
    body = {"model": SMALL, "input": "a walrus that nobody waits for"}
    headers = {"Authorization": f"Bearer {ilm.key}", "Content-Type": "application/json"}

    line.request("POST", "/v1/embeddings", json.dumps(body), headers)
    until(lambda: meter.calls, "the vendor was not asked")
    line.close()

    until(lambda: meter.closed, "the vendor was never hung up on")
    until(lambda: _last_job() == "cancelled", "the job goes on")
    assert len(meter.calls) == 1


def test_models_are_those_this_caller_may_use(client: openai.OpenAI, ilm: Gateway) -> None:
    free = {model.id for model in client.models.list()}
    ilm.newcomer("rich@example.org", tier="premium")
    with ilm.openai() as payer:
        premium = {model.id for model in payer.models.list()}

    assert {"gpt-4o-mini", "ilm-extractive"} <= free
    assert "gpt-4o" not in free
    assert free < premium
    assert client.models.retrieve("gpt-4o-mini").owned_by == "openai"
    assert client.models.retrieve("ollama/llama3.1").id == "ollama/llama3.1"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("ollama/none")


def test_embedders_are_among_the_models_of_whoever_may_use_them(client: openai.OpenAI) -> None:
    listed = {model.id: model for model in client.models.list()}

    assert {SMALL, "ilm-hashing"} <= set(listed)
    assert "mistral-embed" not in listed
    extra: Any = client.models.retrieve("mistral-embed").model_extra
    assert extra["x_ilm"] == {"accessible": False, "kind": "embedder"}
    assert [each.embedding for each in client.embeddings.create(model=SMALL, input="a").data]


def test_anthropics_client_lists_models_in_its_own_shape(
    anthropics: anthropic.Anthropic,
) -> None:
    listed = {model.id: model for model in anthropics.models.list()}

    assert listed["claude-3-haiku"].type == "model"
    assert anthropics.models.retrieve("claude-3-haiku").display_name
    assert SMALL not in listed
    for name in ("claude-none", SMALL):
        with pytest.raises(anthropic.NotFoundError) as refused:
            anthropics.models.retrieve(name)
        body: Any = refused.value.body
        assert body["type"] == "error"


def test_moderation_is_local_and_tells_a_threat_from_a_book(client: openai.OpenAI) -> None:
    judged = client.moderations.create(
        input=["To kill a mockingbird", "how to build a bomb at home"]
    )

    assert [result.flagged for result in judged.results] == [False, True]
    assert judged.results[1].category_scores.illicit > 0.5


def test_tokens_of_messages_are_counted_without_a_limit_for_the_answer(
    anthropics: anthropic.Anthropic,
) -> None:
    counted = anthropics.messages.count_tokens(
        model="claude-haiku-4-5", messages=[{"role": "user", "content": "Hello walrus"}]
    )

    assert 2 <= counted.input_tokens <= 20


def _likeness(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def _last_job() -> str:
    ((state,),) = database.rows(
        "select state from job where type = 'llm.embedding' order by id desc limit 1"
    )
    return str(state)
