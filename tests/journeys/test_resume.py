"""A stream survives cuts, two web instances and a Redis that forgets (ARCHITECTURE §6)."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random

import pytest
import redis
import requests

from models.kernel.database import Pool
from models.kernel.ids import parse_id
from models.kernel.settings import Settings
from tests.processes import Processes, Web, until
from tests.streams import kinds_of

CUTS = 200
SEED = 20261120
PIECES = 600
FORGETS = {10, 30}
"""After which cuts Redis forgets: early ones, since a slow client is then shown all that passed."""


class Reader:
    """A client that is cut again and again, and goes on from the last number it has seen."""

    def __init__(self, webs: list[Web], token: str, job_id: str) -> None:
        self.webs = webs
        self.headers = {"Authorization": f"Bearer {token}"}
        self.path = f"/v1/jobs/{job_id}/events"
        self.text = ""
        self.last: int | None = None
        self.numbers: list[int] = []
        self.kinds: list[str] = []
        self.ended = False

    def read(self, web: Web, most: int | None) -> None:
        """Read on at one instance, and break off after so many events."""
        headers = dict(self.headers)
        if self.last is not None:
            headers["Last-Event-ID"] = str(self.last)
        with requests.get(
            f"{web.address}{self.path}", headers=headers, stream=True, timeout=60
        ) as stream:
            stream.raise_for_status()
            for count, (number, event) in enumerate(_events(stream), 1):
                self._take(number, event)
                if self.ended or count == most:
                    return

    def _take(self, number: int, event: dict[str, object]) -> None:
        assert self.last is None or number > self.last
        self.last = number
        self.numbers.append(number)
        self.kinds.append(str(event["type"]))
        if event["type"] == "delta":
            self.text += str(event["text"])
        elif event["type"] == "restart":
            self.text = ""
        elif event["type"] == "snapshot":
            result = event.get("result") or {}
            self.text = str(event.get("text", result.get("text")))  # type: ignore[attr-defined]
        self.ended = event["type"] == "end"


def _events(stream: requests.Response) -> Iterator[tuple[int, dict[str, object]]]:
    number = -1
    stream.encoding = "utf-8"
    for line in stream.iter_lines(chunk_size=1, decode_unicode=True):
        if line.startswith("id: "):
            number = int(line.removeprefix("id: "))
        elif line.startswith("data: "):
            yield number, json.loads(line.removeprefix("data: "))


@pytest.mark.parametrize(
    ("is_flushed", "most"), [(False, 3), (True, 1)], ids=["redis keeps", "redis forgets"]
)
def test_a_client_cut_two_hundred_times_reads_what_one_never_cut_reads(
    is_flushed: bool, most: int, settings: Settings, database: Pool, tmp_path: Path
) -> None:
    """It reads at most so many events between two cuts."""
    dice = Random(SEED)
    print(f"seed {SEED}")
    text = "".join(dice.choices("abcdefghij éü\n", k=PIECES * 8))
    with Processes(settings, tmp_path) as processes:
        webs = [processes.web(), processes.web()]
        processes.worker("default")
        token = webs[0].newcomer("reader@example.org")
        job = {"text": text, "chunks": PIECES, "interval_ms": 25}
        answer = webs[0].call("POST", "/v1/jobs", token, json={"type": "system.echo", "input": job})
        reader = Reader(webs, token, answer.json()["id"])

        cuts = 0
        while not reader.ended:
            is_last = cuts >= CUTS
            reader.read(dice.choice(webs), None if is_last else dice.randint(1, most))
            cuts += not reader.ended
            if is_flushed and cuts in FORGETS:
                redis.Redis.from_url(settings.redis_url).flushall()

        uncut = Reader(webs, token, answer.json()["id"])
        uncut.read(webs[1], None)

    assert reader.text == uncut.text == text
    assert cuts >= CUTS
    assert ("snapshot" in reader.kinds) is is_flushed


def test_the_end_of_a_job_whose_stream_is_lost_is_told_from_its_row(
    settings: Settings, database: Pool, tmp_path: Path
) -> None:
    with Processes(settings, tmp_path) as processes:
        web = processes.web()
        processes.worker("default")
        token = web.newcomer("reader@example.org")
        job = {"type": "system.echo", "input": {"text": "hello"}}
        job_id = web.call("POST", "/v1/jobs", token, json=job).json()["id"]
        path = f"/v1/jobs/{job_id}"
        with redis.Redis.from_url(settings.redis_url) as cache:
            told = partial(kinds_of, cache, parse_id("job", job_id))
            until(lambda: told()[-1:] == ["end"], "its end is not told")
            cache.flushall()

        late = Reader([web], token, job_id)
        late.read(web, None)
        answer = web.call("GET", f"{path}/events", token, headers={"Last-Event-ID": str(late.last)})

    assert late.text == "hello"
    assert late.kinds == ["status", "snapshot", "end"]
    assert answer.text.count('"type":"end"') == 1
    assert '"type":"snapshot"' not in answer.text


def test_a_watched_job_ends_with_its_stream_although_nobody_rang(
    settings: Settings, database: Pool, tmp_path: Path
) -> None:
    """The worker died between its commit and its last event: the hub's sweep finds the end."""
    with Processes(settings, tmp_path) as processes:
        web = processes.web()
        token = web.newcomer("reader@example.org")
        job = {"type": "system.echo", "input": {"text": "hello"}}
        job_id = web.call("POST", "/v1/jobs", token, json=job).json()["id"]
        watcher = Reader([web], token, job_id)
        watcher.read(web, 1)
        database.rows(
            "update job set state = 'succeeded', attempt = 1, result = %s where state = 'queued'",
            ('{"text": "hello"}',),
        )

        watcher.read(web, None)

    assert watcher.kinds == ["status", "snapshot", "end"]
    assert watcher.text == "hello"
