"""Readers who watch jobs over SSE, come back after every cut, and compare what they were shown."""

import json
from dataclasses import dataclass, field
from queue import Empty, Queue
from random import Random
from threading import Event, Thread
from typing import Any, Final

import requests

READERS: Final = 3
READ_SECONDS: Final = 20
PAUSE_SECONDS: Final = 0.2


@dataclass(slots=True)
class Reading:
    """What one reader has seen of one job; `text` is what it would show."""

    job_id: str
    key: str
    expected: str
    text: str = ""
    last: int = -1
    cuts: int = 0
    restarts: int = 0
    status: str = ""

    def take(self, event: dict[str, Any]) -> str | None:
        """Take one event; say what is wrong with it, if anything is."""
        if event["seq"] <= self.last and event["type"] != "end":
            return f"{self.job_id}: {event['seq']} after {self.last}"
        self.last = max(self.last, event["seq"])
        if event["type"] == "delta":
            self.text += event["text"]
        elif event["type"] == "restart":
            self.text, self.restarts = "", self.restarts + 1
        elif event["type"] == "snapshot":
            self.text = (event if "text" in event else event["result"] or {"text": ""})["text"]
        elif event["type"] == "end":
            self.status = event["status"]
        if self.status == "succeeded" and self.text != self.expected:
            return f"{self.job_id}: {self.text!r} instead of {self.expected!r}"
        return None


@dataclass(slots=True)
class Seen:
    """What all readers have seen together."""

    finished: int = 0
    cuts: int = 0
    restarts: int = 0
    garbled: list[str] = field(default_factory=list)


class Watchers:
    """Some readers, who take the jobs to watch one after the other."""

    def __init__(self, addresses: list[str], seed: int) -> None:
        """Start nothing yet."""
        self.seen = Seen()
        self._addresses = addresses
        self._wanted: Queue[Reading] = Queue()
        self._no_more = Event()
        self._hurrying = Event()
        self._threads = [
            Thread(target=self._read_all, args=(Random(f"{seed}:reader:{n}"),), daemon=True)
            for n in range(READERS)
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def watch(self, job_id: str, key: str, expected: str) -> None:
        """Have a job watched by whoever is free; left out when all are busy."""
        if self._wanted.qsize() < READERS:
            self._wanted.put(Reading(job_id, key, expected))

    def wind_down(self) -> None:
        """Finish what is being watched, and take nothing more."""
        self._no_more.set()

    def is_over(self) -> bool:
        """Say whether every reader has seen the ends."""
        return not any(thread.is_alive() for thread in self._threads)

    def give_up(self) -> None:
        """Stop reading."""
        self._hurrying.set()

    def _read_all(self, dice: Random) -> None:
        while not self._hurrying.is_set():
            try:
                reading = self._wanted.get(timeout=PAUSE_SECONDS)
            except Empty:
                if self._no_more.is_set():
                    return
                continue
            self._read(reading, dice)

    def _read(self, reading: Reading, dice: Random) -> None:
        while not reading.status and not self._hurrying.is_set():
            try:
                wrong = self._read_on(reading, dice.choice(self._addresses))
            except requests.RequestException:
                wrong = None
            if wrong:
                self.seen.garbled.append(wrong)
                return
            if not reading.status:
                reading.cuts += 1
                self._hurrying.wait(PAUSE_SECONDS)
        self.seen.finished += 1
        self.seen.cuts += reading.cuts
        self.seen.restarts += reading.restarts

    def _read_on(self, reading: Reading, address: str) -> str | None:
        """Read from where we were until the connection ends."""
        headers = {"Authorization": f"Bearer {reading.key}"}
        if reading.last >= 0:
            headers["Last-Event-ID"] = str(reading.last)
        url = f"{address}/v1/jobs/{reading.job_id}/events"
        with requests.get(url, headers=headers, stream=True, timeout=READ_SECONDS) as stream:
            if not stream.ok:
                return None
            for line in stream.iter_lines():
                if not line.startswith(b"data: "):
                    continue
                event = json.loads(line[6:])
                if event["type"] == "end" and "job" not in event:
                    return None  # the server drains; the stream is to be resumed
                if wrong := reading.take(event):
                    return wrong
                if reading.status:
                    return None
        return None
