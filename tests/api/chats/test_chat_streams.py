"""Streams of chats: resumed anywhere and byte-equal, cancelled in every state, never glued."""

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from jobs.streams import stream_key
from models.kernel.cache import open_cache
from models.kernel.database import database
from models.kernel.ids import parse_id
from tests.api.chats.conftest import LLM, Chatter, Told
from tests.fakes.vendor.scripts import Fault, Script
from tests.gateway import Gateway
from tests.streams import eventually

WORDS = " ".join(f"word{number}" for number in range(40))
LONG = " ".join(f"word{number}" for number in range(600))
SLOW = Script(text=WORDS, pace=0.03)
LASTING = Script(text=LONG, pace=0.1)
"""For what is cut short: it is still being said when the machine has stood still for a while."""
BROKEN = Script().with_fault(Fault.RESET_MIDWAY)
CUTS = 50


def data_of(told: Told) -> list[str]:
    """Return the frames of content and of the end, as they came."""
    return [line for line in told.lines if line.startswith(("data: ", "id: "))]


def answer_of(ada: Chatter) -> dict[str, Any]:
    """Return the last answer as the chat keeps it, once it is written."""

    def written() -> dict[str, Any] | None:
        last = ada.messages()[-1]
        return last if last["role"] == "assistant" and last["status"] != "pending" else None

    found = eventually(written)
    assert found is not None
    return found


@pytest.mark.parametrize("seed", [7])
def test_a_stream_cut_anywhere_is_resumed_on_another_instance_byte_for_byte(
    ada: Chatter, running: Gateway, seed: int
) -> None:
    running.vendor.script(LLM, SLOW)
    whole = ada.stream().whole()
    other = running.processes.web()
    dice = random.Random(seed)
    numbers = [line.removeprefix("id: ") for line in whole.lines if line.startswith("id: ")]
    lines = data_of(whole)

    for _ in range(CUTS):
        cut = dice.choice(numbers[:-1])
        rest = ada.resume(cut, web=dice.choice([running.web, other])).whole()
        assert data_of(rest) == lines[lines.index(f"id: {cut}") + 2 :], (seed, cut)
    assert whole.content == WORDS


def test_a_client_that_keeps_losing_its_connection_has_the_whole_answer_once(
    ada: Chatter, running: Gateway
) -> None:
    running.vendor.script(LLM, SLOW)
    told = ada.stream().until("chunk", 2)
    content, last = told.content, told.last
    while "done" not in told.kinds:
        told = ada.resume(last).until("chunk", 3)
        content, last = content + told.content, told.last

    assert content == WORDS
    assert len(running.vendor.meter(LLM).calls) == 1


def test_who_hangs_up_finds_the_answer_whole_unless_they_wished_to_cancel(
    ada: Chatter, running: Gateway
) -> None:
    running.vendor.script(LLM, SLOW)
    ada.stream().until("chunk", 2)
    assert answer_of(ada)["content"] == WORDS

    running.vendor.script(LLM, LASTING)
    ada.stream(params={"on_disconnect": "cancel"}).until("chunk", 2)
    cut = answer_of(ada)
    assert (cut["status"], cut["finishReason"]) == ("partial", "cancelled")
    assert LONG.startswith(cut["content"])


def test_after_the_end_the_end_is_told_again(ada: Chatter) -> None:
    whole = ada.stream().whole()

    assert ada.resume(whole.last).whole().events == [whole.events[-1]]
    assert ada.resume(str(10**14)).whole().events == [whole.events[-1]]


def test_what_redis_has_lost_comes_as_a_snapshot(ada: Chatter, running: Gateway) -> None:
    running.vendor.script(LLM, SLOW)
    whole = ada.stream().whole()
    second = [line for line in whole.lines if line.startswith("id: ")][3].removeprefix("id: ")
    cache = open_cache(running.settings)
    cache.delete(stream_key(parse_id("job", whole.headers["X-Ilm-Job-Id"])))
    cache.close()

    resumed = ada.resume(second).whole()
    fresh = ada.resume(None).whole()

    assert resumed.first("snapshot")["content"] == whole.content
    assert (resumed.content, resumed.events[-1]) == (whole.content, whole.events[-1])
    assert "snapshot" not in fresh.kinds
    assert (fresh.content, fresh.events[-1]) == (whole.content, whole.events[-1])


def test_a_running_answer_is_cancelled_and_keeps_its_beginning(
    ada: Chatter, running: Gateway
) -> None:
    running.vendor.script(LLM, LASTING)
    with ThreadPoolExecutor() as pool:
        reading = ada.stream()
        stream = pool.submit(reading.whole)
        eventually(lambda: reading.told.kinds.count("chunk") >= 3)
        cancelled = ada.send("POST", "/cancel").json()["messages"]
        told = stream.result()

    kept = answer_of(ada)
    assert [message["id"] for message in cancelled] == [kept["id"]]
    assert told.events[-1]["type"] == "done"
    assert told.events[-1]["finish_reason"] == "cancelled"
    assert (kept["status"], kept["finishReason"]) == ("partial", "cancelled")
    assert kept["content"] == told.content != ""
    assert LONG.startswith(kept["content"].rstrip())
    assert kept["estimated"]
    assert kept["usage"]["completionTokens"] > 0
    eventually(lambda: running.vendor.meter(LLM).closed)


def test_an_answer_that_waits_is_cancelled_with_nothing_said(
    ada: Chatter, running: Gateway
) -> None:
    database.rows(
        "insert into queue_control (queue, paused) values ('llm', true)"
        " on conflict (queue) do update set paused = true"
    )
    reading = ada.stream()
    ada.send("POST", "/cancel")
    told = reading.whole()
    database.rows("delete from queue_control where queue = 'llm'")

    kept = answer_of(ada)
    assert told.events[-1] == {
        "type": "done", "finish_reason": "cancelled", "message_id": kept["id"], "cost_cents": 0,
    }  # fmt: skip
    assert (kept["status"], kept["content"]) == ("partial", "")
    assert kept["usage"]["costNanoUsd"] == "0"


def test_cancelling_what_is_over_changes_nothing(ada: Chatter) -> None:
    answer = ada.say()

    assert ada.send("POST", "/cancel").json() == {"messages": []}
    assert ada.messages()[-1] == answer


def test_a_fault_after_content_ends_the_stream_with_an_error_and_the_resume_has_it_whole(
    ada: Chatter, running: Gateway
) -> None:
    running.vendor.script(LLM, BROKEN)

    told = ada.stream().whole()

    assert told.kinds[-1] == "error"
    assert told.events[-1]["retryable"] is True
    resumed = ada.resume(told.last).whole()
    kept = answer_of(ada)
    assert resumed.kinds[-1] == "done"
    assert resumed.content == kept["content"]
    assert kept["model"] != LLM


def test_who_wishes_it_is_told_of_a_new_beginning_in_the_stream(
    ada: Chatter, running: Gateway
) -> None:
    running.vendor.script(LLM, BROKEN)

    told = ada.stream(headers={"X-Ilm-Recovery": "restart"}).whole()

    assert told.kinds.count("restart") == 1
    assert told.content == answer_of(ada)["content"]
    assert "error" not in told.kinds


@pytest.mark.parametrize("recovery", ["continue", "buffer"])
def test_with_continue_and_buffer_nobody_notices_a_fault(
    ada: Chatter, running: Gateway, recovery: str
) -> None:
    running.vendor.script(LLM, BROKEN)

    told = ada.stream(headers={"X-Ilm-Recovery": recovery}).whole()

    assert told.kinds[-1] == "done"
    assert not {"error", "restart", "snapshot"} & set(told.kinds)
    assert told.content == answer_of(ada)["content"]


def test_a_killed_worker_means_a_new_beginning_and_a_whole_answer(
    ada: Chatter, running: Gateway
) -> None:
    running.vendor.script(LLM, LASTING)
    scheduler = running.processes.scheduler()
    with ThreadPoolExecutor() as pool:
        reading = ada.stream(headers={"X-Ilm-Recovery": "restart"})
        stream = pool.submit(reading.whole)
        eventually(lambda: reading.told.kinds.count("chunk") >= 3)
        running.vendor.script(LLM, Script(text=WORDS))
        running.kill_worker()
        job_id = parse_id("job", reading.told.headers["X-Ilm-Job-Id"])
        database.rows("update job set lease_until = now() where id = %s", (job_id,))
        told = stream.result(timeout=60)
    scheduler.terminate()
    scheduler.wait(timeout=60)

    assert told.kinds.count("restart") == 1
    assert told.kinds[-1] == "done"
    assert told.content == WORDS == answer_of(ada)["content"]
    assert database.rows(
        "select count(*) from usage_line where job_id = %s and not is_borne",
        (job_id,),
    ) == [(1,)]
