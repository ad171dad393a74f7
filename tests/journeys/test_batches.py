"""A thousand lines over four vendors, a tenth of the calls faulted, the worker killed twice.

Every line is answered once, billed once, and in its place; the vendor's own meter says so too.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import cycle
from typing import Any

import openai
import pytest

from models.kernel.database import Pool
from models.kernel.money import cost_of
from models.llms import llms
from models.prices import price_named
from tests.chaos.invariants import INVARIANTS
from tests.fakes.vendor.meter import Seen
from tests.fakes.vendor.scripts import Fault, Script, Strike
from tests.gateway import SOON_LOST, Gateway
from tests.processes import until

LINES = 1_000
FAULTS = 100
AT_ONCE = 16
KILLED_AT = (LINES // 4, LINES // 2)
VENDORS = ("openai", "anthropic", "qwen", "deepseek")
MOST_STRIKES = 4
"""One more within half a minute, and the breaker would leave the LLM alone."""

KINDS = (
    Fault.BROKEN, Fault.RESET, Fault.RATE_MS, Fault.OVERLOADED, Fault.RESET_MIDWAY,
    Fault.BAD_JSON, Fault.NO_END, Fault.ERROR_BODY, Fault.ERROR_MIDWAY, Fault.HALF_LINE,
    Fault.BAD_GATEWAY, Fault.EMPTY,
)  # fmt: skip


@pytest.fixture(scope="module")
def variables() -> Mapping[str, str]:
    return SOON_LOST


def names() -> list[str]:
    """Return LLMs of all four vendors, in turns."""
    by_vendor = [[n for n, llm in llms().items() if llm.vendor == v] for v in VENDORS]
    turns = zip(*(cycle(each) for each in by_vendor), strict=True)
    most = max(map(len, by_vendor))
    return [name for _, turn in zip(range(most), turns, strict=False) for name in turn]


def strike(ilm: Gateway) -> None:
    """Have a tenth of the calls fail, each LLM a few times and in many ways."""
    struck: dict[str, list[Strike]] = defaultdict(list)
    kinds, models = cycle(KINDS), cycle(dict.fromkeys(names()))
    for _ in range(FAULTS):
        struck[next(models)].append(Strike(fault=next(kinds), times=1, seconds=0.1))
    assert max(map(len, struck.values())) <= MOST_STRIKES
    for name in dict.fromkeys(names()):
        script = Script(pace=0.02, strikes=tuple(struck[name]))
        ilm.vendor.script(llms()[name].served_as, script)


def asked() -> list[dict[str, Any]]:
    models = cycle(names())
    return [
        {
            "custom_id": f"line-{number}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {
                "model": next(models),
                "max_tokens": 60,
                "messages": [{"role": "user", "content": f"What of number{number}?"}],
            },
        }
        for number in range(LINES)
    ]


def calls_by_line(ilm: Gateway) -> dict[int, list[Seen]]:
    """Return what the vendor answered whole, by the line that asked."""
    found: dict[int, list[Seen]] = defaultdict(list)
    for name in dict.fromkeys(names()):
        for call in ilm.vendor.meter(llms()[name].served_as).calls:
            words = json.dumps(call.body["messages"])
            number = int(words.partition("number")[2].partition("?")[0])
            if call.finished and call.fault is None:
                found[number].append(call)
    return found


def usage(database: Pool) -> list[dict[str, Any]]:
    rows = database.rows(
        "select line.number - 1, used.llm, used.price_id, used.tokens_in, used.tokens_out,"
        " used.cost_nano, used.estimated, used.is_borne"
        " from usage_line used join batch_line line on line.id = used.job_id"
    )
    names = ("number", "llm", "price", "input", "output", "cost", "estimated", "borne")
    return [dict(zip(names, row, strict=True)) for row in rows]


def run_through(ilm: Gateway, client: openai.OpenAI, database: Pool) -> Any:
    """Have the batch answered, killing the worker on the way."""
    content = "\n".join(map(json.dumps, asked())).encode()
    file = client.files.create(file=("lines.jsonl", content), purpose="batch")
    batch = client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    for most in KILLED_AT:
        until(lambda most=most: _ended(database) >= most, "the batch stands still", 300)
        ilm.kill_worker()
    until(lambda: client.batches.retrieve(batch.id).status == "completed", "it does not end", 300)
    return client.batches.retrieve(batch.id)


def _ended(database: Pool) -> int:
    ((count,),) = database.rows("select answered + failed from batch")
    return int(count)


def test_every_line_is_answered_once_and_billed_once_whoever_fails_or_dies(
    ilm: Gateway, database: Pool
) -> None:
    ilm.processes.scheduler()
    ilm.newcomer("thousand@example.org", tier="premium")
    strike(ilm)
    with ilm.openai() as client:
        done = run_through(ilm, client, database)
        lines = client.files.content(done.output_file_id).text.splitlines()
        failures = client.files.content(done.error_file_id).text
    answered = calls_by_line(ilm)
    faulted = _faulted(ilm)

    used = usage(database)
    paid = {line["number"]: line for line in used if not line["borne"]}
    lost = sum(map(len, answered.values())) - LINES
    print(
        f"lines {LINES}, vendor: {sum(map(len, answered.values()))} whole answers and {faulted}"
        f" faults; usage: {len(used)} lines, {len(paid)} paid, {len(used) - len(paid)} borne;"
        f" answered whole and lost with a killed worker: {lost}"
    )
    assert done.request_counts.to_dict() == {"total": LINES, "completed": LINES, "failed": 0}
    assert failures == ""
    answers = [json.loads(line) for line in lines]
    assert [each["custom_id"] for each in answers] == [f"line-{n}" for n in range(LINES)]
    assert faulted >= FAULTS * 9 // 10
    assert len(used) - sum(line["borne"] for line in used) == len(paid) == LINES
    assert 0 <= lost <= len(KILLED_AT) * AT_ONCE
    _agree(answers, paid, answered)
    assert [name for name, sql in INVARIANTS.items() if database.rows(sql, ())] == []


def _agree(
    answers: list[Any], paid: dict[int, dict[str, Any]], answered: dict[int, list[Seen]]
) -> None:
    """Hold each answer, its usage and its cost against what the vendor sent for that line."""
    for number, line in enumerate(answers):
        body, billed = line["response"]["body"], paid[number]
        seen = Counter((call.input, call.output) for call in answered[number])
        told = (body["usage"]["prompt_tokens"], body["usage"]["completion_tokens"])
        assert told == (billed["input"], billed["output"])
        assert told in seen, (number, told, seen)
        assert billed["estimated"] is False
        price = price_named(billed["price"])
        assert price is not None
        cost = cost_of([(told[0], price.input), (told[1], price.output)]).amount
        assert str(cost) == str(billed["cost"]) == body["x_ilm"]["cost_nano_usd"]


def _faulted(ilm: Gateway) -> int:
    meters = [ilm.vendor.meter(llms()[name].served_as) for name in dict.fromkeys(names())]
    return sum(call.fault is not None for meter in meters for call in meter.calls)
