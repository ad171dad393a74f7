"""Answers that cannot be lost: cut, killed, asked twice, called off; counted at both ends."""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from random import Random
from time import monotonic

import psutil
import pytest
import redis
import requests

from models.kernel.cache import open_cache
from models.kernel.database import database
from models.kernel.embedded.processes import descendants
from tests.fakes.vendor.scripts import Fault, Script
from tests.gateway import SOON_LOST, Gateway
from tests.processes import Web, until
from tests.servers import Servers
from tests.wires import WIRES, Reader, WireCase, frames, is_end, is_error, kept, text_in

LLM = "gpt-4o-mini"
SAID = "The walrus lives in the cold sea near the pole and eats clams, ünïcödé and all. " * 2
CONTINUE = {"X-Ilm-On-Disconnect": "continue"}
SEED = 20261121


@pytest.fixture(scope="module")
def variables() -> Mapping[str, str]:
    return SOON_LOST


@pytest.fixture(params=WIRES.values(), ids=WIRES.keys())
def wire(request: pytest.FixtureRequest) -> WireCase:
    found: WireCase = request.param
    return found


@pytest.fixture(scope="module")
def other(running: Gateway) -> Web:
    """A second web process."""
    return running.processes.web()


@pytest.fixture(scope="module", autouse=True)
def _scheduler(running: Gateway) -> None:
    running.processes.scheduler()


def slowly(ilm: Gateway, pace: float = 0.02, deltas: int = 40) -> None:
    ilm.vendor.script(LLM, Script(text=SAID, pace=pace, deltas=deltas))


def stands(ilm: Gateway) -> None:
    """Let the first call stand still in the middle; those after it are answered at once."""
    script = Script(text=SAID, pace=0.02, deltas=40)
    ilm.vendor.script(LLM, script.with_fault(Fault.HANG_MIDWAY, times=1, after=10))


def heard_of(answer: requests.Response) -> tuple[list[str], Iterator[str]]:
    """Return the first frames of a stream, up to one that tells text, and the rest."""
    rest = frames(answer)
    heard = [next(rest)]
    while not text_in(heard):
        heard.append(next(rest))
    return heard, rest


def test_a_stream_cut_anywhere_reads_on_any_instance_as_one_never_cut(
    ilm: Gateway, other: Web, wire: WireCase
) -> None:
    dice = Random(SEED)
    reader = Reader(ilm, (ilm.web, other), wire, dice)
    for _ in range(4):
        slowly(ilm, pace=dice.choice([0, 0.005, 0.01]))
        answer = wire.ask(ilm, **CONTINUE)
        told = reader.read(answer)
        whole = list(frames(wire.resume(ilm, ilm.web, wire.name_of(answer), None)))

        assert text_in(told) == SAID, f"seed {SEED}"
        assert told == whole
    assert reader.cuts


def test_fifty_calls_with_one_key_are_one_call_and_fifty_equal_answers(
    ilm: Gateway, wire: WireCase
) -> None:
    ilm.vendor.script(LLM, text=SAID, pace=0.02)
    key = {"Idempotency-Key": f"one-{wire.path}"}

    with ThreadPoolExecutor(50) as crowd:
        answers = list(crowd.map(lambda _: ilm.post(wire.path, wire.body, headers=key), range(50)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert len(ilm.vendor.meter(LLM).calls) == 1


def test_a_key_gives_a_stream_again_and_refuses_another_request(
    ilm: Gateway, wire: WireCase
) -> None:
    ilm.vendor.script(LLM, text=SAID)
    key = {"Idempotency-Key": "again"}

    first = list(frames(wire.ask(ilm, **key)))
    second = list(frames(wire.ask(ilm, **key)))
    third = ilm.post(wire.path, {**wire.body, "temperature": 0.5}, headers=key)

    assert first == second
    assert third.status_code == 409
    assert third.headers["x-should-retry"] == "false"


def test_who_hangs_up_ends_the_call_at_the_vendor_and_pays_what_was_written(
    ilm: Gateway, wire: WireCase
) -> None:
    stands(ilm)
    answer = wire.ask(ilm)
    heard_of(answer)
    answer.close()
    meter = ilm.vendor.meter(LLM)

    until(lambda: meter.closed, "the vendor was never hung up on")
    until(lambda: _charged(ilm), "nothing was settled")

    (cost, estimated), hold = _charged(ilm)[0], _hold(ilm)
    assert estimated
    assert 0 < cost <= hold


def test_who_wants_it_to_go_on_may_leave_and_come_back(ilm: Gateway, wire: WireCase) -> None:
    slowly(ilm)
    key = {"Idempotency-Key": "back", **CONTINUE}
    answer = wire.ask(ilm, **key)
    heard_of(answer)
    answer.close()

    assert text_in(list(frames(wire.ask(ilm, **key)))) == SAID
    assert ilm.vendor.meter(LLM).closed == []


def test_a_cancel_reaches_the_vendor_within_a_second(ilm: Gateway, wire: WireCase) -> None:
    """Of three the quickest is looked at: what a machine that stands still adds is not Ilm's."""
    assert min(seconds_to_cancel(ilm, wire) for _ in range(3)) <= 1.0


def seconds_to_cancel(ilm: Gateway, wire: WireCase) -> float:
    """Cancel a call that stands still; return when its vendor was hung up on."""
    ilm.vendor.reset()
    stands(ilm)
    answer = wire.ask(ilm)
    _, rest = heard_of(answer)
    job = answer.headers["X-Ilm-Job-Id"]
    (call,) = ilm.vendor.meter(LLM).calls
    asked_at = monotonic() - call.began

    assert ilm.post(f"/v1/jobs/{job}/cancel", {}).status_code == 200
    last = list(rest)[-1]
    until(lambda: call.closed_after is not None, "the vendor was never hung up on")

    assert is_error(last)
    assert not is_end(last)
    assert call.closed_after is not None
    return call.closed_after - asked_at


def test_a_killed_worker_leaves_an_error_and_never_half_an_answer_as_whole(
    ilm: Gateway, wire: WireCase
) -> None:
    stands(ilm)
    answer = wire.ask(ilm)
    heard, rest = heard_of(answer)
    ilm.kill_worker()
    heard += rest

    assert is_error(heard[-1])
    assert not any(map(is_end, heard))
    assert SAID.startswith(text_in(heard))


def test_with_a_key_a_killed_worker_costs_a_retry_and_the_key_has_the_whole_answer(
    ilm: Gateway, wire: WireCase
) -> None:
    stands(ilm)
    key = {"Idempotency-Key": f"killed-{wire.path}"}
    answer = wire.ask(ilm, **key)
    heard, rest = heard_of(answer)
    ilm.kill_worker()
    heard += rest
    again = list(frames(wire.ask(ilm, **key)))

    assert is_error(heard[-1])
    assert text_in(again) == SAID
    assert is_end(again[-1])
    assert _lines(ilm) == 1


def test_a_buffered_answer_survives_its_worker(ilm: Gateway, wire: WireCase) -> None:
    """It is asked beside: of what is buffered the first byte comes with its end."""
    stands(ilm)
    with ThreadPoolExecutor(1) as beside:
        answer = beside.submit(wire.ask, ilm, **{"X-Ilm-Recovery": "buffer"})
        until(lambda: ilm.vendor.meter(LLM).output, "the vendor has not begun")
        ilm.kill_worker()
        heard = list(frames(answer.result()))

    assert text_in(heard) == SAID
    assert is_end(heard[-1])


def test_a_killed_web_process_cancels_nothing_and_another_goes_on(
    ilm: Gateway, wire: WireCase
) -> None:
    slowly(ilm, pace=0.15)
    web = ilm.processes.web()
    first, ilm.web = ilm.web, web
    try:
        answer = wire.ask(ilm)
    finally:
        ilm.web = first
    heard, rest = heard_of(answer)
    heard, after = kept(heard)
    for process in (*psutil.Process(web.process.pid).children(), web.process):
        process.kill()
    with pytest.raises(requests.exceptions.RequestException):
        list(rest)
    tail = list(frames(wire.resume(ilm, ilm.web, wire.name_of(answer), after)))

    assert is_end(tail[-1])
    assert text_in(heard) + text_in(tail) == SAID


def test_when_redis_forgets_in_the_middle_nothing_is_glued_or_cut_short(
    ilm: Gateway, wire: WireCase
) -> None:
    slowly(ilm, pace=0.05)
    answer = wire.ask(ilm)
    heard, rest = heard_of(answer)
    cache = open_cache(ilm.settings)
    cache.flushdb()
    cache.close()
    heard += rest

    assert text_in(heard) == SAID if is_end(heard[-1]) else is_error(heard[-1])
    assert SAID.startswith(text_in(heard))


def test_when_redis_dies_in_the_middle_nothing_is_glued_or_cut_short(
    ilm: Gateway, wire: WireCase, servers: Servers
) -> None:
    slowly(ilm, pace=0.05)
    answer = wire.ask(ilm, **CONTINUE)
    heard, rest = heard_of(answer)
    for pid in descendants(servers.pid or 0):
        if "valkey" in psutil.Process(pid).name():
            psutil.Process(pid).kill()
    heard += rest
    cache = open_cache(ilm.settings)
    until(lambda: _answers(cache), "Redis was not started again")
    cache.close()
    name = f"{wire.path}/{wire.name_of(answer)}"

    assert text_in(heard) == SAID if is_end(heard[-1]) else is_error(heard[-1])
    assert SAID.startswith(text_in(heard))
    until(lambda: _whole(ilm.get(name)), "the answer does not come to be whole")


def _whole(answer: requests.Response) -> bool:
    told = json.dumps(answer.json(), ensure_ascii=False)
    return answer.status_code == 200 and SAID.strip() in told


def _answers(cache: redis.Redis) -> bool:
    try:
        return bool(cache.ping())
    except redis.RedisError:
        return False


def _charged(ilm: Gateway) -> list[tuple[int, bool]]:
    sql = "select cost_nano, estimated from usage_line where account_id = %s"
    return [(cost, estimated) for cost, estimated in database.rows(sql, (_account(ilm),))]


def _lines(ilm: Gateway) -> int:
    sql = "select count(*) from usage_line where account_id = %s and not is_borne"
    return int(database.rows(sql, (_account(ilm),))[0][0])


def _hold(ilm: Gateway) -> int:
    sql = "select amount_nano from credit_hold where account_id = %s"
    return int(database.rows(sql, (_account(ilm),))[0][0])


def _account(ilm: Gateway) -> str:
    body = json.loads(ilm.get("/v1/users/me").text)
    sql = "select account_id from person where email = %s"
    return str(database.rows(sql, (body["email"],))[0][0])
