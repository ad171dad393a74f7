"""One line: its plan, its hold, its answer, and how it ends (XC-02).

A line that is answered is never asked again. One that fails for a while waits at the end of its
queue and is asked up to three times; its hold stays meanwhile.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final
from uuid import UUID

from jobs.backoff import wait_before_retry
from jobs.batches.line_runs import MOST_TRIES, LineRun
from jobs.batches.open import RunBatch
from jobs.batches.room import Room
from jobs.llms.admission import Admission
from jobs.llms.ask import Answer
from jobs.llms.embed import Embed, Embedders, make_vectors
from jobs.llms.preparing import Planner
from jobs.llms.question import Llms, Question
from jobs.llms.screening import Watch
from jobs.run import Effect, FinalFailure, LeaseLost, Usage
from jobs.safety.screen import SafetyService
from jobs.wires.batch_lines import (
    EMBEDDINGS,
    Line,
    answered,
    message_answered,
    message_refused,
    refused,
)
from jobs.wires.embeddings import ask_of_embeddings, embeddings_body
from jobs.wires.wire import Call
from jobs.wires.wires import wire_named
from models.batches import (
    ANSWERED,
    CANCELLED,
    FAILED,
    GONE,
    HELD,
    OPENAI,
    POOR,
    Batch,
    BatchLine,
    LineEnd,
    begin_line,
    end_line,
    put_back_line,
)
from models.catalogue.queues import queues
from models.jobs import JobRow
from models.kernel.blobs import Blobs
from models.kernel.database import database
from models.kernel.denials import PaymentRequired
from models.kernel.errors import (
    Cancelled,
    DeadlineExceeded,
    IlmError,
    Refused,
    Unavailable,
)
from models.kernel.ids import wire_id
from models.kernel.money import ZERO, Estimate

NO_CREDIT: Final = "credits, limits and budgets do not cover the estimate of this line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What batches are run with."""

    llms: Llms
    embedders: Embedders
    planner: Planner
    admission: Admission
    safety: SafetyService
    blobs: Blobs
    room: Room
    workroom: Path
    dice: Random


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a line came to: the body of its answer, its usage, what else its end changes."""

    body: Mapping[str, Any]
    usage: Sequence[Usage] = ()
    effects: Sequence[Effect] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A line while it is asked."""

    batch: Batch
    line: BatchLine
    bench: Bench
    run: LineRun
    body: Mapping[str, Any] = field(default_factory=dict)


class _Ended(Exception):
    """The line needs no asking: it has ended already."""


def answer_line(batch: Batch, line_id: UUID, bench: Bench, run: LineRun) -> None:
    """Ask one line and write down how it ends, or that it is to be tried again.

    Raises `LeaseLost` when the batch is not ours any more, and what else ends the batch's run.
    """
    line: BatchLine = BatchLine.get_by_id(line_id)
    run.tries = line.tries
    asked = Asked(batch=batch, line=line, bench=bench, run=run, body=line.body)
    try:
        _answer(asked)
    except FinalFailure as failure:
        state = CANCELLED if isinstance(failure.cause, Cancelled) else FAILED
        _end(asked, state, refusal_of(batch, line, failure.cause), failure)
    except (_Ended, Cancelled, DeadlineExceeded):
        return
    except Unavailable as fault:
        fail_or_put_back(asked, fault)
    except Refused as refusal:
        _end(asked, FAILED, refusal_of(batch, line, refusal))


def fail_or_put_back(asked: Asked, fault: IlmError) -> None:
    """Let a line wait for another try, or fail it when it had its last."""
    tries = asked.line.tries + 1
    if tries >= MOST_TRIES:
        _end(asked, FAILED, refusal_of(asked.batch, asked.line, fault))
        return
    policy = queues()[RunBatch.queue]
    delay = wait_before_retry(policy, tries, asked.bench.dice, fault.retry_after)
    if not put_back_line(asked.run.holder, asked.line.id, delay):
        raise LeaseLost


def refusal_of(batch: Batch, line: BatchLine, error: IlmError) -> str:
    """Return what is written of a line that has no answer, in its batch's shape."""
    written = _line_of(line, {})
    of_openai = refused if batch.shape == OPENAI else message_refused
    return _json(of_openai(written, wire_id("req", line.id), error))


def _answer(asked: Asked) -> None:
    batch, line = asked.batch, asked.line
    came = _embedded(asked) if line.wire == EMBEDDINGS else _said(asked)
    written = _line_of(line, asked.body)
    shown = (
        answered(written, wire_id("req", line.id), came.body)
        if batch.shape == OPENAI
        else message_answered(written, came.body)
    )
    _end(asked, ANSWERED, _json(shown), came)


def _said(asked: Asked) -> Answered:
    """Have an LLM answer."""
    line, run, bench = asked.line, asked.run, asked.bench
    wire = wire_named(line.wire)
    ask = wire.ask_of(asked.body)
    admitted = bench.admission.admit(ask, asked.batch)
    prepared, watch = admitted.plan, Watch(bench.safety, admitted.screened)
    _begin(asked, prepared.estimate)
    question = Question(
        ask=ask,
        steps=prepared.steps,
        max_tokens=prepared.max_tokens,
        day=run.created_at.date(),
        make_screen=watch.screen,
    )
    came = watch.carry_out(question, prepared, bench.llms, run)
    kept = JobRow(id=line.id, created_at=run.created_at, result=came.result)
    call = Call(job_id=wire_id("job", line.id), created_at=run.created_at, body=asked.body)
    return Answered(
        body=wire.body_of(call, Answer.of(kept)), usage=came.usage, effects=came.effects
    )


def _embedded(asked: Asked) -> Answered:
    """Have vectors made."""
    ask = ask_of_embeddings(asked.body)
    job = Embed(ask.model, ask.texts, ask.dimensions)
    job = job.booked(asked.bench.planner.caller(asked.batch))
    _begin(asked, job.estimate)
    made = make_vectors(job, asked.bench.embedders, asked.run)
    return Answered(body=embeddings_body(ask, made.model, made.embedded), usage=(made.usage,))


def _begin(asked: Asked, hold: Estimate) -> None:
    """Take the hold; raise `PaymentRequired` where means or a budget do not cover it."""
    asked.run.check()
    outcome = begin_line(asked.run.holder, asked.line.id, hold)
    if outcome == POOR:
        raise PaymentRequired(NO_CREDIT)
    if outcome == GONE:
        raise _Ended
    if outcome != HELD:
        raise LeaseLost


def _end(
    asked: Asked, state: str, written: str, came: Answered | FinalFailure | None = None
) -> None:
    """End a line, with all that brings, in one transaction that only this attempt may make."""
    usage = came.usage if came else ()
    end = LineEnd(
        state=state,
        written=written,
        cost=sum((line.cost for line in usage), ZERO),
        usage=[_kept(step, line) for step, line in enumerate(usage)],
    )
    with database.unit():
        if not end_line(asked.run.holder, asked.line.id, end):
            raise LeaseLost
        for effect in came.effects if came else ():
            database.rows(effect.sql, effect.parameters)


def _kept(step: int, usage: Usage) -> dict[str, Any]:
    """Return a usage line as the database takes it."""
    fields = asdict(usage)
    cost, vendor_cost = fields.pop("cost"), fields.pop("vendor_cost")
    amounts = {"cost_nano": cost["amount"], "vendor_nano": vendor_cost["amount"]}
    return {**fields, **amounts, "step": step}


def _line_of(line: BatchLine, body: Mapping[str, Any]) -> Line:
    return Line(custom_id=line.custom_id, wire=line.wire, body=body)


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))
