"""A whole stack as it is seen from outside: two web processes, workers, a scheduler."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from models.kernel.database import Pool
from models.kernel.settings import Settings
from tests.conftest import emptied
from tests.fakes.intake import Intake, Span
from tests.processes import Processes, Web, until
from tests.servers import free_port

TOKEN = "a token of the house"
REQUEST_ID = "req_0123456789abcdef0123456789abcdef"
CALLER = "00-aaaabbbbccccddddaaaabbbbccccdddd-1111222233334444-01"
EMAIL = "planted@example.org"
QUESTION = "planted-question-of-nobody"
SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5

Key = tuple[str, frozenset[tuple[str, str]]]


@dataclass(frozen=True)
class Observed:
    """The stack, what takes its traces, and where it logs."""

    web: Web
    port: int
    intake: Intake
    logs: Path
    token: str


@pytest.fixture(scope="module")
def observed(
    settings: Settings, pools: tuple[Pool, Pool], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Observed]:
    """Start it, and let somebody ask an LLM something."""
    emptied(pools)
    home, port = tmp_path_factory.mktemp("observed"), free_port()
    with Intake() as intake:
        variables = {
            "ILM_HOME": str(home),
            "ILM_LLM_THREADS": "4",
            "ILM_METRICS_PORT": str(port),
            "ILM_METRICS_TOKEN": TOKEN,
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{intake.port}",
            "OTEL_BSP_SCHEDULE_DELAY": "200",
        }
        with Processes(settings, home, **variables) as processes:
            processes.worker("default")
            processes.worker("llm")
            processes.scheduler()
            web = processes.web(ILM_WEB_PROCESSES="2")
            token = web.newcomer(EMAIL)
            ask(web, token)
            yield Observed(web, port, intake, home, token)


def ask(web: Web, token: str) -> None:
    """Have a job done by an LLM, and wait for its end."""
    messages = [{"role": "user", "content": QUESTION}]
    headers = {"X-Request-ID": REQUEST_ID, "traceparent": CALLER}
    body = {
        "type": "llm.completion",
        "input": {"model": "ilm-extractive", "messages": messages},
    }
    answer = web.call("POST", "/v1/jobs", token, json=body, headers=headers)
    assert answer.status_code == 202, answer.text
    place = f"/v1/jobs/{answer.json()['id']}"
    until(lambda: web.call("GET", place, token).json()["status"] == "succeeded", "never answered")


def samples(page: str) -> Mapping[Key, float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def of_web(observed: Observed) -> str:
    answer = requests.get(f"{observed.web.address}/metrics", timeout=60)
    assert answer.status_code == 200
    return answer.text


def of_workers(observed: Observed) -> str:
    answer = requests.get(f"http://127.0.0.1:{observed.port}/metrics", timeout=60)
    assert answer.status_code == 200
    return answer.text


def key(name: str, **labels: str) -> Key:
    return name, frozenset(labels.items())


def test_every_web_process_tells_what_all_of_them_counted(observed: Observed) -> None:
    counts = key("ilm_http_request_seconds_count", method="GET", route="/v1/jobs", status="4xx")
    before = samples(of_web(observed)).get(counts, 0)

    for _ in range(30):
        requests.get(f"{observed.web.address}/v1/jobs", timeout=60)
    until(lambda: samples(of_web(observed)).get(counts, 0) - before == 30, "not all are counted")

    told = [samples(of_web(observed))[counts] - before for _ in range(10)]
    assert told == [30] * 10
    assert samples(of_web(observed))[key("ilm_processes", process="web")] == 2


def test_one_port_tells_what_all_workers_and_schedulers_counted(observed: Observed) -> None:
    until(lambda: "scheduler" in of_workers(observed), "no scheduler is told of")
    until(lambda: "worker-default" in of_workers(observed), "no worker is told of")
    done = key("ilm_job_seconds_count", type="llm.completion", outcome="succeeded")
    until(lambda: done in samples(of_workers(observed)), "no job is told of")
    page = samples(of_workers(observed))

    called = {"vendor": "ilm", "llm": "ilm-extractive"}
    assert page[done] == 1
    assert page[key("ilm_llm_call_seconds_count", **called, outcome="served")] == 1
    assert page[key("ilm_llm_first_token_seconds_count", **called)] == 1
    assert page[key("ilm_job_wait_seconds_count", queue="llm")] == 1
    for process in ("worker-default", "worker-llm", "scheduler"):
        assert page[key("ilm_process_memory_bytes", process=process)] > 10_000_000
    assert not [name for name, _ in page if name.startswith("ilm_http")]


def test_the_port_has_one_page_and_wants_the_token_of_who_is_passed_on(observed: Observed) -> None:
    place = f"http://127.0.0.1:{observed.port}"
    passed_on = {"X-Forwarded-For": "192.0.2.7"}

    assert requests.get(f"{place}/", timeout=60).status_code == 404
    assert requests.get(f"{place}/metrics", headers=passed_on, timeout=60).status_code == 401
    passed_on["Authorization"] = f"Bearer {TOKEN}"
    assert requests.get(f"{place}/metrics", headers=passed_on, timeout=60).status_code == 200


def test_a_trace_goes_from_the_request_to_the_vendor(observed: Observed) -> None:
    def trace() -> list[Span]:
        return [each for each in observed.intake.spans() if each.trace == REQUEST_ID[4:]]

    names = {"POST /v1/jobs", "send job", "job llm.completion", "chat ilm-extractive"}
    until(lambda: names <= {each.name for each in trace()}, "spans are missing")
    spans = {each.name: each for each in trace()}
    request, sent = spans["POST /v1/jobs"], spans["send job"]
    job, call = spans["job llm.completion"], spans["chat ilm-extractive"]

    assert [each.kind for each in (request, sent, job, call)] == [
        SERVER, PRODUCER, CONSUMER, CLIENT,
    ]  # fmt: skip
    assert [each.service for each in (request, job, call)] == [
        "ilm-web", "ilm-worker-llm", "ilm-worker-llm",
    ]  # fmt: skip
    assert request.parent == ""
    assert sent.parent == job.parent == request.id
    assert call.parent == job.id
    assert request.links == (CALLER.split("-")[1],)
    assert "202" in request.attributes["http.response.status_code"]


def test_nothing_private_is_in_metrics_traces_or_logs(observed: Observed) -> None:
    until(observed.intake.spans, "nothing was traced")
    logs = b"".join(path.read_bytes() for path in observed.logs.glob("*.log"))
    told = [of_web(observed), of_workers(observed), logs.decode()]
    told += [each.body.decode(errors="replace") for each in observed.intake.posted]

    for text in told:
        for secret in (EMAIL, QUESTION, observed.token, TOKEN, "a long sentence"):
            assert secret not in text
    assert "@" not in of_web(observed) + of_workers(observed)


def test_every_line_every_process_logs_is_json(observed: Observed) -> None:
    def lines() -> list[dict[str, Any]]:
        return [
            json.loads(line)
            for path in observed.logs.glob("*.log")
            for line in path.read_bytes().splitlines(keepends=True)
            if line.endswith(b"\n")  # the last may still be written
        ]

    def about_it() -> set[str]:
        return {each["event"] for each in lines() if each.get("request_id") == REQUEST_ID}

    until(lambda: {"http.request", "job.ended"} <= about_it(), "not all of it is logged")
    assert all({"event", "level", "timestamp", "logger"} <= set(each) for each in lines())
