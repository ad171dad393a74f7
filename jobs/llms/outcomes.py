"""Outcomes: an answer as its job's row keeps it, its usage lines, and what each call came to."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

from jobs.llms.answering import Answering
from jobs.llms.costs import charge, vendor_cost
from jobs.llms.preparing import Prepared
from jobs.llms.provider import Tokens
from jobs.llms.question import CutShort, Llms, Question, Try, Whole, price_of
from jobs.llms.router import Step
from jobs.run import Effect, FinalFailure, Outcome, Run, Usage
from models.kernel.errors import IlmError
from models.kernel.ids import wire_id
from models.kernel.money import ZERO, Nano

_TRIED: Final = """
insert into llm_call (
    job_id, attempt, step, line, account_id, vendor, llm, task, outcome, error_code, first_ms,
    whole_ms, tokens_in, tokens_out
) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """What a question came to: its result, its usage, the calls it took."""

    whole: Whole
    result: dict[str, Any]
    usage: tuple[Usage, ...]
    effects: tuple[Effect, ...]

    @property
    def outcome(self) -> Outcome:
        """The end of a job that was this question and nothing more."""
        return Outcome(self.result, usage=self.usage, effects=self.effects)


def carried_out(question: Question, prepared: Prepared, llms: Llms, run: Run) -> Came:
    """Answer a question and return what it came to.

    Raises what `Answering.answer` raises; a caller's cancel becomes a `FinalFailure` with what
    there is of the answer, and what that costs.
    """
    answering = Answering(question, llms, run)
    try:
        whole = answering.answer()
    except CutShort as cut:
        raise _cut(cut, answering.tries, question, prepared, run) from cut
    except FinalFailure as failure:
        failure.effects = _calls(answering.tries, None, prepared, run)
        failure.usage = _lost(answering.tries, question.day)
        raise
    except IlmError:
        for effect in _calls(answering.tries, None, prepared, run):
            run.write(effect.sql, effect.parameters)
        raise
    return _came(whole, question, prepared, run)


def _came(whole: Whole, question: Question, prepared: Prepared, run: Run) -> Came:
    usage = _line(whole, question.day, prepared)
    return Came(
        whole=whole,
        result=_result(whole, usage.cost, prepared, run),
        usage=(usage, *_lost(whole.tries, question.day)),
        effects=_calls(whole.tries, whole.tokens, prepared, run),
    )


def _cut(
    cut: CutShort, tries: tuple[Try, ...], question: Question, prepared: Prepared, run: Run
) -> FinalFailure:
    if cut.whole is None:
        lost = _lost(tries, question.day)
        return FinalFailure(cut.cause, _calls(tries, None, prepared, run), usage=lost)
    came = _came(cut.whole, question, prepared, run)
    return FinalFailure(cut.cause, came.effects, came.result, came.usage)


def _line(whole: Whole, day: date, prepared: Prepared) -> Usage:
    """Return the one line the caller pays: exact, or estimated and never above the hold."""
    price = price_of(whole.step, day)
    cost = ZERO if prepared.own_key else charge(whole.tokens, price, prepared.rounding)
    if whole.estimated:
        cost = min(cost, prepared.hold)
    return _usage(whole.step, whole.tokens, day, cost=cost, estimated=whole.estimated,
                  own_key=prepared.own_key)  # fmt: skip


def _lost(tries: Sequence[Try], day: date) -> tuple[Usage, ...]:
    """Return a line for what each vendor generated in vain: the house bears it."""
    return tuple(
        _usage(each.step, each.lost, day, cost=ZERO, estimated=True, own_key=False, is_borne=True)
        for each in tries
        if each.lost is not None
    )


def _usage(
    step: Step,
    tokens: Tokens,
    day: date,
    *,
    cost: Nano,
    estimated: bool,
    own_key: bool,
    is_borne: bool = False,
) -> Usage:
    price = price_of(step, day)
    return Usage(
        operation="completion",
        llm=step.llm,
        price_id=price.id,
        tokens_in=tokens.input,
        tokens_out=tokens.output,
        cost=cost,
        estimated=estimated,
        vendor=step.vendor,
        tokens_cached=tokens.cached,
        tokens_written=tokens.written,
        tokens_written_long=tokens.written_long,
        tokens_reasoning=tokens.reasoning,
        vendor_cost=ZERO if own_key else vendor_cost(tokens, price),
        is_borne=is_borne,
        is_own_key=own_key,
    )


def _result(whole: Whole, cost: Nano, prepared: Prepared, run: Run) -> dict[str, Any]:
    """Return the answer as the row keeps it: M-05's body, and what the wires need beside it."""
    tokens = whole.tokens
    return {
        "id": wire_id("msg", run.job_id),
        "model": whole.step.llm,
        "vendor": whole.step.vendor,
        "content": whole.sheet.text,
        "reasoning": "".join(whole.sheet.said.reasoning),
        "toolCalls": [asdict(call) for call in whole.sheet.tool_calls()],
        "finishReason": whole.reason,
        "stopSequence": whole.stop_sequence,
        "citations": [],
        "droppedCitations": 0,
        "usage": usage_body(tokens, cost),
        "tokens": asdict(tokens),
        "estimated": whole.estimated,
        "continued": whole.continued,
        "task": prepared.task,
        "routing": {"reason": prepared.reason, "leftOut": dict(prepared.left_out)},
        "attempts": [_tried(each) for each in whole.tries],
    }


def usage_body(tokens: Tokens, cost: Nano) -> dict[str, Any]:
    """Return usage as M-05 has it; `costUsd` is written from the integer."""
    return {
        "promptTokens": tokens.input,
        "completionTokens": tokens.output,
        "totalTokens": tokens.input + tokens.output,
        "costUsd": float(cost.usd),
        "costNanoUsd": cost.wire,
    }


def _tried(each: Try) -> Mapping[str, Any]:
    return {
        "model": each.step.llm,
        "vendor": each.step.vendor,
        "outcome": each.outcome,
        "code": each.code,
        "firstMs": each.first_ms,
        "wholeMs": each.whole_ms,
    }


def _calls(
    tries: Sequence[Try], served: Tokens | None, prepared: Prepared, run: Run
) -> tuple[Effect, ...]:
    """Return what writes down every call and how it went (E-01, E-02, M-44)."""
    return tuple(
        Effect(_TRIED, (
            run.job_id, run.attempt, number, 0, run.account_id, each.step.vendor, each.step.llm,
            prepared.task, each.outcome, each.code, each.first_ms, each.whole_ms,
            *_used(each, served),
        ))
        for number, each in enumerate(tries)
    )  # fmt: skip


def _used(each: Try, served: Tokens | None) -> tuple[int, int]:
    tokens = each.lost if each.outcome == "failed" else served
    return (tokens.input, tokens.output) if tokens else (0, 0)
