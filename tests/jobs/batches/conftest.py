"""Batches without a worker: a bench with LLMs that are fakes, and rows that are real."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest

from jobs.batches.lines import Bench
from jobs.batches.open import NewBatch, RunBatch, open_batch
from jobs.batches.room import Room
from jobs.llms.admission import Admission
from jobs.llms.preparing import Planner
from jobs.llms.provider import Delta, Finish, Limits, OnStop, Piece, Request, Tokens
from jobs.llms.question import Llms
from jobs.queue import Queue, Sender
from jobs.safety.screen import SafetyService
from models import engine
from models.batches import OPENAI, Batch
from models.jobs import JobRow
from models.kernel.blobs import Blobs, open_blobs
from models.kernel.clock import SystemClock
from models.kernel.database import Pool
from models.kernel.settings import Settings
from tests.rows import account
from workers.adapters.embeddings.hashing import Hashing

LLM = "gpt-4o-mini"
CHAT = "/v1/chat/completions"
PLENTY = 1_000_000_000_000
LEASE = 60.0

Answer = Callable[[Request, OnStop], Iterator[Piece]]


def said(_request: Request, _on_stop: OnStop) -> Iterator[Piece]:
    """Answer as a well vendor does."""
    yield Delta("The sea.")
    yield Finish("stop", Tokens(input=10, output=3))


@dataclass
class FakeVendors:
    """Every vendor: answers by `answer`, and keeps what it was asked."""

    answer: Answer = said
    asked: list[str] = field(default_factory=list)

    @property
    def house(self) -> dict[str, "FakeVendors"]:
        return {"openai": self}

    def for_own_key(self, _vendor: str) -> "FakeVendors":
        raise AssertionError("no line has a key of its own")

    def stream(self, request: Request, on_stop: OnStop) -> Iterator[Piece]:
        self.asked.append(str(request.messages[-1]["content"]))
        return self.answer(request, on_stop)

    def close(self) -> None:
        """Close nothing."""


class Closed:
    """Breakers that never open."""

    def admits(self, _circuit: Any) -> bool:
        return True

    def report(self, _circuit: Any, *, failed: bool) -> bool:
        del failed
        return False

    def release(self, _circuit: Any) -> None:
        """Release nothing."""


@dataclass(frozen=True)
class Asker:
    """Somebody of the premium tier."""

    tier: str = "premium"
    mode: str = "live"
    ai_preferences: dict[str, Any] = field(default_factory=dict)


@pytest.fixture
def vendors() -> FakeVendors:
    return FakeVendors()


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return open_blobs(Settings(home=tmp_path))


@pytest.fixture
def bench(vendors: FakeVendors, blobs: Blobs, tmp_path: Path) -> Iterator[Bench]:
    clock, safety = SystemClock(), SafetyService()
    planner = Planner(Settings(openai_api_key="sk-fake"), clock)
    room = Room(4)
    yield Bench(
        llms=Llms(
            providers=vendors, breakers=Closed(), clock=clock, limits=Limits(),
            reasoning_limits=Limits(),
        ),
        embedders={"ilm": Hashing()},
        planner=planner,
        admission=Admission(planner, safety),
        safety=safety,
        blobs=blobs,
        room=room,
        workroom=tmp_path,
        dice=Random(7),
    )  # fmt: skip
    room.close()


@pytest.fixture
def rich(database: Pool) -> Sender:
    return Sender(account(PLENTY), "live", "req_test")


def line(number: int, **body: Any) -> dict[str, Any]:
    """Return a line of a file."""
    asked = {"model": LLM, "messages": [{"role": "user", "content": f"number {number}"}], **body}
    return {"custom_id": f"n{number}", "method": "POST", "url": CHAT, "body": asked}


@dataclass
class Opener:
    """Opens batches as the API does."""

    queue: Queue
    blobs: Blobs
    sender: Sender

    def open(self, *lines: Any, shape: str = OPENAI) -> Batch:
        content = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines)
        self.blobs.put("input", content.encode())
        new = NewBatch(shape=shape, endpoint=CHAT, input_key="input")
        batch_id, _ = open_batch(new, self.sender, Asker(), self.queue)
        batch: Batch = Batch.get_by_id(batch_id)
        return batch


@pytest.fixture
def opener(queue: Queue, blobs: Blobs, rich: Sender) -> Opener:
    return Opener(queue, blobs, rich)


def claimed(batch: Batch) -> JobRow:
    """Claim the job of a batch."""
    row = engine.claim(batch.job_id, "worker", LEASE)
    assert row is not None
    return row


def job_of(batch: Batch) -> RunBatch:
    return RunBatch(UUID(str(batch.id)))


def fresh(batch: Batch) -> Batch:
    """Return a batch as it is now."""
    again: Batch = Batch.get_by_id(batch.id)
    return again
