"""Batches by the official clients, before a vendor that can misbehave (XC-02)."""

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import openai
import pytest

from models.kernel.database import database
from tests.fakes.vendor.scripts import Fault, Script
from tests.gateway import Gateway
from tests.processes import until

LLM = "gpt-4o-mini"
CHAT = "/v1/chat/completions"

_numbers = count()


@pytest.fixture(scope="module", autouse=True)
def _scheduler(running: Gateway) -> None:
    running.processes.scheduler()


@pytest.fixture
def ilm(running: Gateway) -> Gateway:
    running.calm()
    running.newcomer(f"batcher{next(_numbers)}@example.org", tier="premium")
    return running


@pytest.fixture
def client(ilm: Gateway) -> Iterator[openai.OpenAI]:
    with ilm.openai(max_retries=0) as made:
        yield made


def asking(number: int, model: str = LLM, url: str = CHAT, **body: Any) -> dict[str, Any]:
    """Return a line of a batch."""
    asked = {
        "model": model,
        "max_tokens": 50,
        "messages": [{"role": "user", "content": f"Number {number}?"}],
    }
    return {"custom_id": f"n{number}", "method": "POST", "url": url, "body": {**asked, **body}}


def opened(
    client: openai.OpenAI, lines: list[dict[str, Any]], endpoint: Any = CHAT, **how: Any
) -> Any:
    content = "\n".join(json.dumps(line) for line in lines).encode()
    file = client.files.create(file=("lines.jsonl", content), purpose="batch")
    return client.batches.create(
        input_file_id=file.id, endpoint=endpoint, completion_window="24h", **how
    )


def finished(client: openai.OpenAI, batch: Any, status: str = "completed") -> Any:
    """Return a batch once it is over, and as it was meant to be."""

    def look() -> Any:
        return client.batches.retrieve(batch.id)

    over = {"completed", "failed", "cancelled", "expired"}
    until(lambda: look().status in over, "the batch does not end")
    assert look().status == status
    return look()


def lines_of(client: openai.OpenAI, file_id: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in client.files.content(file_id).text.splitlines()]


def test_lines_are_answered_in_order_and_billed_each(client: openai.OpenAI, ilm: Gateway) -> None:
    batch = opened(client, [asking(n) for n in range(20)], metadata={"for": "tests"})
    done = finished(client, batch)

    assert done.metadata == {"for": "tests"}
    assert done.request_counts.to_dict() == {"total": 20, "completed": 20, "failed": 0}
    assert done.in_progress_at <= done.finalizing_at <= done.completed_at <= done.expires_at
    answers = lines_of(client, done.output_file_id)
    assert [line["custom_id"] for line in answers] == [f"n{n}" for n in range(20)]
    assert all(line["response"]["status_code"] == 200 for line in answers)
    bodies = [line["response"]["body"] for line in answers]
    assert all(body["object"] == "chat.completion" for body in bodies)
    assert lines_of(client, done.error_file_id) == []
    costs = [int(body["x_ilm"]["cost_nano_usd"]) for body in bodies]
    assert done.model_extra["x_ilm"]["cost_nano_usd"] == str(sum(costs))
    meter = ilm.vendor.meter(LLM)
    assert len(meter.calls) == 20
    tokens = sum(body["usage"]["completion_tokens"] for body in bodies)
    assert (sum(body["usage"]["prompt_tokens"] for body in bodies), tokens) == (
        meter.input,
        meter.output,
    )
    assert client.files.retrieve(done.output_file_id).bytes == len(
        client.files.content(done.output_file_id).read()
    )


def test_a_line_that_fails_stands_in_the_error_file_and_the_others_go_on(
    client: openai.OpenAI, ilm: Gateway
) -> None:
    lines = [asking(0), asking(1, "gpt-0"), asking(2, messages=[]), asking(3)]

    done = finished(client, opened(client, lines))

    assert done.request_counts.to_dict() == {"total": 4, "completed": 2, "failed": 2}
    answers, failures = (lines_of(client, f) for f in (done.output_file_id, done.error_file_id))
    assert [line["custom_id"] for line in answers] == ["n0", "n3"]
    told = [(line["custom_id"], line["response"]["status_code"]) for line in failures]
    assert told == [("n1", 404), ("n2", 400)]
    assert failures[0]["response"]["body"]["error"]["code"] == "model_not_found"


def test_a_line_that_fails_for_a_while_is_tried_again_and_billed_once(
    client: openai.OpenAI, ilm: Gateway
) -> None:
    ilm.vendor.script("", Script().with_fault(Fault.BROKEN, times=3))
    done = finished(client, opened(client, [asking(0)]))

    assert done.request_counts.completed == 1
    line_id = _line_ids(done.id)[0]
    charged = database.rows(
        "select count(*) filter (where not is_borne) from usage_line where job_id = %s", (line_id,)
    )
    assert charged == [(1,)]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([asking(0), asking(0)], (2, "custom_id", "invalid_request")),
        ([asking(0), asking(1, url="/v1/responses")], (2, "url", "invalid_request")),
        ([asking(0), {**asking(1), "method": "GET"}], (2, "method", "invalid_request")),
        ([asking(0, stream=True)], (1, "body.stream", "invalid_request")),
    ],
    ids=["same id twice", "another endpoint", "another method", "a stream"],
)
def test_a_file_with_faults_fails_whole_and_names_the_lines(
    client: openai.OpenAI, ilm: Gateway, lines: list[dict[str, Any]], told: tuple[Any, ...]
) -> None:
    batch = opened(client, lines)
    failed = finished(client, batch, "failed")

    (fault,) = failed.errors.data
    assert (fault.line, fault.param, fault.code) == told
    assert failed.request_counts.to_dict() == {"total": 0, "completed": 0, "failed": 0}
    assert ilm.vendor.meter(LLM).calls == []


def test_a_line_without_credit_fails_and_no_hold_stays(client: openai.OpenAI, ilm: Gateway) -> None:
    ilm.newcomer(f"poor{next(_numbers)}@example.org", nano=0)
    with ilm.openai(max_retries=0) as poor:
        done = finished(poor, opened(poor, [asking(0)]))
        (failure,) = lines_of(poor, done.error_file_id)

    assert failure["response"]["status_code"] == 402
    assert failure["response"]["body"]["error"]["code"] == "insufficient_quota"
    assert ilm.vendor.meter(LLM).calls == []
    assert database.rows("select count(*) from credit_hold where state = 'held'") == [(0,)]


def test_results_are_read_while_it_runs_and_a_cancel_keeps_them(
    client: openai.OpenAI, ilm: Gateway
) -> None:
    ilm.vendor.script(LLM, pace=0.4, deltas=1_000)
    ilm.vendor.script("deepseek-chat", Script())
    quick = [asking(n, "deepseek-chat") for n in range(3)]
    batch = opened(client, [*quick, *(asking(n) for n in range(3, 60))])
    until(lambda: len(lines_of(client, batch.output_file_id)) == 3, "no partial results")
    running = client.batches.retrieve(batch.id)
    assert (running.status, running.request_counts.total) == ("in_progress", 60)
    assert client.files.retrieve(batch.output_file_id).bytes > 0

    assert client.batches.cancel(batch.id).status in {"cancelling", "cancelled"}
    done = finished(client, batch, "cancelled")

    assert done.request_counts.to_dict() == {"total": 60, "completed": 3, "failed": 57}
    assert done.cancelled_at - done.cancelling_at <= 60
    failures = lines_of(client, done.error_file_id)
    assert [line["custom_id"] for line in failures] == [f"n{n}" for n in range(3, 60)]
    assert {line["error"]["code"] for line in failures} == {"batch_cancelled"}
    meter = ilm.vendor.meter(LLM)
    until(lambda: len(meter.closed) == len(meter.calls), "a line is still being answered")
    assert len(meter.calls) <= 16
    assert database.rows("select count(*) from credit_hold where state = 'held'") == [(0,)]


def test_the_same_key_opens_one_batch(client: openai.OpenAI) -> None:
    content = json.dumps(asking(0)).encode()
    file = client.files.create(file=("lines.jsonl", content), purpose="batch")
    made = {
        client.batches.create(
            input_file_id=file.id,
            endpoint=CHAT,
            completion_window="24h",
            extra_headers={"Idempotency-Key": "once"},
        ).id
        for _ in range(3)
    }

    assert len(made) == 1
    assert [batch.id for batch in client.batches.list()] == list(made)


def test_batches_are_listed_newest_first_and_nobody_sees_anothers(
    client: openai.OpenAI, ilm: Gateway
) -> None:
    made = [opened(client, [asking(n)]).id for n in range(3)]
    assert [batch.id for batch in client.batches.list(limit=2)] == made[::-1]

    ilm.newcomer(f"stranger{next(_numbers)}@example.org")
    with ilm.openai(max_retries=0) as stranger:
        assert list(stranger.batches.list()) == []
        for look in (stranger.batches.retrieve, stranger.batches.cancel):
            with pytest.raises(openai.NotFoundError):
                look(made[0])


def test_vectors_and_responses_come_in_batches_too(client: openai.OpenAI) -> None:
    vectors: dict[str, Any] = {"custom_id": "v", "method": "POST", "url": "/v1/embeddings"}
    vectors["body"] = {"model": "ilm-hashing", "input": ["a walrus"]}
    reply: dict[str, Any] = {"custom_id": "r", "method": "POST", "url": "/v1/responses"}
    reply["body"] = {"model": LLM, "input": "Where?"}
    first = opened(client, [vectors], "/v1/embeddings")
    second = opened(client, [reply], "/v1/responses")

    made = finished(client, first)
    said = finished(client, second)

    (line,) = lines_of(client, made.output_file_id)
    assert len(line["response"]["body"]["data"][0]["embedding"]) == 384
    (line,) = lines_of(client, said.output_file_id)
    assert line["response"]["body"]["object"] == "response"


def _line_ids(batch_id: str) -> list[Any]:
    rows = database.rows(
        "select id from batch_line where batch_id = %s order by number",
        (batch_id.removeprefix("batch_"),),
    )
    return [line_id for (line_id,) in rows]
