"""Batches by Anthropic's own client, on the same engine as OpenAI's (XC-02)."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import anthropic
import pytest
from anthropic.resources.messages.batches import Batches

from tests.fakes.vendor.scripts import Script
from tests.gateway import Gateway
from tests.processes import until

LLM = "gpt-4o-mini"

_numbers = count()


@pytest.fixture
def ilm(running: Gateway) -> Gateway:
    running.calm()
    running.newcomer(f"messenger{next(_numbers)}@example.org", tier="premium")
    return running


@pytest.fixture
def batches(ilm: Gateway) -> Iterator[Batches]:
    with ilm.anthropic(max_retries=0) as client:
        yield client.messages.batches


def requests_to(*models: str) -> list[Any]:
    params = {"max_tokens": 50, "messages": [{"role": "user", "content": "Where?"}]}
    return [
        {"custom_id": f"m{place}", "params": {**params, "model": model}}
        for place, model in enumerate(models)
    ]


def test_anthropics_client_opens_reads_and_deletes_a_batch(batches: Batches) -> None:
    made = batches.create(requests=requests_to("claude-haiku-4-5", "claude-none", LLM))
    until(lambda: batches.retrieve(made.id).processing_status == "ended", "it does not end")
    done = batches.retrieve(made.id)

    results = list(batches.results(made.id))
    assert [result.custom_id for result in results] == ["m0", "m1", "m2"]
    assert [result.result.type for result in results] == ["succeeded", "errored", "succeeded"]
    first: Any = results[0].result
    assert first.message.content[0].text
    counts = done.request_counts.to_dict()
    assert counts == {"succeeded": 2, "errored": 1, "canceled": 0, "expired": 0, "processing": 0}
    assert [batch.id for batch in batches.list()] == [made.id]
    assert batches.delete(made.id).type == "message_batch_deleted"
    with pytest.raises(anthropic.NotFoundError):
        batches.retrieve(made.id)


def test_anthropics_client_cancels_a_batch(ilm: Gateway, batches: Batches) -> None:
    ilm.vendor.script("", Script(pace=0.4, deltas=1_000))
    made = batches.create(requests=requests_to(*["claude-haiku-4-5"] * 30))
    until(lambda: len(ilm.vendor.meter("claude-haiku-4-5").calls) > 3, "nothing is asked")
    with pytest.raises(anthropic.BadRequestError):
        batches.delete(made.id)

    assert batches.cancel(made.id).processing_status in {"canceling", "ended"}
    until(lambda: batches.retrieve(made.id).processing_status == "ended", "it does not end")

    assert batches.retrieve(made.id).request_counts.canceled == 30
    kinds = [result.result.type for result in batches.results(made.id)]
    assert kinds == ["canceled"] * 30


@pytest.mark.parametrize("requests", [[], [{"custom_id": "a"}], [*requests_to(LLM) * 2]])
def test_a_batch_of_messages_with_faults_is_refused_at_once(
    batches: Batches, requests: list[Any]
) -> None:
    with pytest.raises(anthropic.BadRequestError) as refused:
        batches.create(requests=requests)

    body: Any = refused.value.body
    assert body["error"]["type"] == "invalid_request_error"
