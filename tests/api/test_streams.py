"""The events of a job as they travel: over a socket, from a real web process and a real worker."""

import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from jobs.streams import PER_ATTEMPT
from models.kernel.clock import SystemClock
from tests.api.conftest import Stack
from tests.processes import Web, until

TEXT = "Once upon a time there was a stream.\nIt had two lines, and a ü."
PATIENCE = 60


@dataclass
class Seen:
    """What a client has seen of a stream."""

    events: list[dict[str, Any]] = field(default_factory=list)
    ids: list[int | None] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    @property
    def kinds(self) -> list[str]:
        return [event["type"] for event in self.events]

    @property
    def text(self) -> str:
        return "".join(event["text"] for event in self.events if event["type"] == "delta")


def frames(answer: requests.Response) -> Iterator[list[str]]:
    """Yield the lines of one frame after the other."""
    answer.encoding = "utf-8"
    frame: list[str] = []
    for line in answer.iter_lines(chunk_size=1, decode_unicode=True):
        if line:
            frame.append(line)
        elif frame:
            yield frame
            frame = []


def watch(
    web: Web,
    token: str,
    job: str,
    *,
    most: int | None = None,
    query: str = "",
    seen: Seen | None = None,
    **headers: str,
) -> Seen:
    """Read a job's events to their end, or so many; `seen` lets another thread look on."""
    seen = Seen() if seen is None else seen
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    with web.call("GET", f"{job}/events{query}", token, headers=names, stream=True) as answer:
        assert answer.status_code == 200
        for frame in frames(answer):
            seen.lines += frame
            data = [line.removeprefix("data: ") for line in frame if line.startswith("data: ")]
            ids = [line.removeprefix("id: ") for line in frame if line.startswith("id: ")]
            if data:
                seen.events.append(json.loads(data[0]))
                seen.ids.append(int(ids[0]) if ids else None)
            if most is not None and len(seen.events) >= most:
                break
    return seen


@pytest.fixture(scope="module")
def me(stack: Stack) -> str:
    return stack.newcomer()


def submit(stack: Stack, me: str, **given: Any) -> str:
    body = {"type": "system.echo", "input": {"text": TEXT, **given}}
    answer = stack.call("POST", "/v1/jobs", me, json=body)
    assert answer.status_code == 202
    return answer.headers["Location"]


def test_a_job_is_told_from_its_beginning_to_its_end(stack: Stack, me: str) -> None:
    job = submit(stack, me, chunks=5, interval_ms=30)

    seen = watch(stack.web, me, job)

    assert seen.lines[0].startswith("retry: ")
    assert seen.kinds[0] == "status"
    assert seen.events[0]["status"] == "queued"
    assert {"status": "running", "attempt": 1}.items() <= seen.events[1].items()
    assert seen.text == TEXT
    assert seen.kinds[-1] == "end"
    assert seen.kinds.count("end") == 1
    end = seen.events[-1]
    assert (end["status"], end["job"]["result"]) == ("succeeded", {"text": TEXT})
    assert end["job"] == stack.call("GET", job, me).json()


def test_numbers_only_grow_and_are_the_ids_of_their_frames(stack: Stack, me: str) -> None:
    seen = watch(stack.web, me, submit(stack, me, chunks=8, interval_ms=25))
    numbers = [event["seq"] for event in seen.events]

    assert seen.ids == numbers
    assert numbers == sorted(set(numbers))
    assert all(number // PER_ATTEMPT == 1 for number in numbers[1:])


def test_progress_is_told_beside_the_text(stack: Stack, me: str) -> None:
    seen = watch(stack.web, me, submit(stack, me, chunks=4, interval_ms=30))
    progress = [event for event in seen.events if event["type"] == "progress"]

    assert progress
    assert progress[-1]["total"] == 4
    assert [p["completed"] for p in progress] == sorted(p["completed"] for p in progress)


def test_a_stream_is_neither_kept_nor_buffered_on_the_way(stack: Stack, me: str) -> None:
    job = submit(stack, me)

    answer = stack.call("GET", f"{job}/events", me)

    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert answer.headers["Cache-Control"] in {"no-store", "no-cache"}
    assert answer.headers["X-Accel-Buffering"] == "no"


@pytest.mark.parametrize("way", ["header", "query"])
def test_who_comes_back_goes_on_where_they_were(stack: Stack, me: str, way: str) -> None:
    job = submit(stack, me, chunks=10, interval_ms=20)
    whole = watch(stack.web, me, job)
    for at in range(0, len(whole.events) - 1, 4):
        last = str(whole.ids[at])
        where = {"Last_Event_ID": last} if way == "header" else {}
        query = "" if way == "header" else f"?starting_after={last}"

        rest = watch(stack.web, me, job, query=query, **where)

        assert rest.events == whole.events[at + 1 :]


def test_a_cursor_at_or_past_the_end_is_given_the_end_once_more(stack: Stack, me: str) -> None:
    job = submit(stack, me)
    end = watch(stack.web, me, job).events[-1]

    for cursor in (end["seq"], end["seq"] + 1, 10**15):
        assert watch(stack.web, me, job, Last_Event_ID=str(cursor)).events == [end]


def test_the_header_wins_over_the_query(stack: Stack, me: str) -> None:
    job = submit(stack, me)
    whole = watch(stack.web, me, job)

    seen = watch(stack.web, me, job, query="?starting_after=0", Last_Event_ID=str(whole.ids[-2]))

    assert seen.events == whole.events[-1:]


def test_many_watch_one_job_and_see_the_same(stack: Stack, me: str) -> None:
    job = submit(stack, me, chunks=20, interval_ms=20)

    with ThreadPoolExecutor(8) as threads:
        seen = list(threads.map(lambda _: watch(stack.web, me, job), range(8)))

    assert {one.text for one in seen} == {TEXT}
    assert all(one.events == seen[0].events for one in seen)


def test_a_running_job_that_is_cancelled_ends_its_stream_long_before_its_next_word(
    stack: Stack, me: str
) -> None:
    job = submit(stack, me, chunks=1_000, interval_ms=60_000)
    watch(stack.web, me, job, most=3)
    clock = SystemClock()
    began = clock.elapsed()

    stack.call("POST", f"{job}/cancel", me)
    seen = watch(stack.web, me, job)

    assert seen.events[-1]["status"] == "cancelled"
    assert seen.events[-1]["job"]["error"]["code"] == "CANCELLED"
    assert clock.elapsed() - began < 30


def test_a_job_that_is_cancelled_ends_the_stream_of_who_watches(stack: Stack, me: str) -> None:
    job = submit(stack, me, chunks=1_000, interval_ms=60_000)
    with ThreadPoolExecutor(1) as threads:
        watching = threads.submit(watch, stack.web, me, job)
        stack.call("POST", f"{job}/cancel", me)

        assert watching.result(PATIENCE).events[-1]["status"] == "cancelled"


def test_an_answer_about_a_book_is_streamed_with_citations_that_hold(stack: Stack, me: str) -> None:
    pages = b"The walrus lives in the cold sea near the pole.\n" * 3
    book = stack.call(
        "POST", "/v1/books", me, files={"file": ("a.txt", pages)}, data={"title": "A"}
    ).json()
    body = {
        "type": "llm.completion",
        "input": {
            "model": "ilm-extractive",
            "book_id": book["id"],
            "messages": [{"role": "user", "content": "Where does the walrus live?"}],
        },
    }
    path = f"/v1/books/{book['id']}"
    until(lambda: stack.call("GET", path, me).json()["textStatus"] == "completed", "no text")

    job = stack.call("POST", "/v1/jobs", me, json=body).headers["Location"]
    seen = watch(stack.web, me, job)

    result = seen.events[-1]["job"]["result"]
    assert result["content"] == seen.text
    assert result["citations"][0]["page"] == 1
    assert "cold sea" in result["citations"][0]["excerpt"]
    assert result["droppedCitations"] == 0
    assert result["usage"]["costNanoUsd"] == "0"
    assert result["id"].startswith("msg_")


def test_a_web_process_that_is_told_to_stop_lets_its_streams_end_resumably(
    stack: Stack, me: str
) -> None:
    leaving = stack.processes.web()
    job = submit(stack, me, chunks=60, interval_ms=1_000)
    cut = Seen()
    with ThreadPoolExecutor(1) as threads:
        watching = threads.submit(watch, leaving, me, job, seen=cut)
        until(lambda: len(cut.events) >= 3, "nothing came")
        leaving.process.send_signal(signal.SIGTERM)
        watching.result(PATIENCE)

    assert leaving.process.wait(PATIENCE) == 0
    assert cut.events[-1].items() >= {"type": "end", "status": "running", "resumable": True}.items()
    assert cut.ids[-1] is None
    more = watch(stack.web, me, job, most=2, Last_Event_ID=str(cut.ids[-2]))
    stack.call("POST", f"{job}/cancel", me)
    rest = watch(stack.web, me, job, Last_Event_ID=str(more.ids[-1]))
    whole = watch(stack.web, me, job)
    assert cut.events[:-1] + more.events + rest.events == whole.events
    assert TEXT.startswith(whole.text)
    assert len(whole.text) > len(cut.text)
