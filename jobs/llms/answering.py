"""Answering: one question, carried out by its plan, until an answer is whole or nothing is left.

A fault before anything was shown goes to the next LLM in silence. After that the caller's choice
counts: an error, going on with another LLM, or beginning anew in the open. A stream without its
terminal event is a fault like any other. What the caller cancels, or a screen blocks, is paid as
far as it was written; what a vendor spoils is free.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any, Final, cast

from jobs.llms.ask import BUFFER, CONTINUE, RESTART
from jobs.llms.breakers import Circuit
from jobs.llms.calling import Call, measure
from jobs.llms.counting import count_tokens, least_tokens, prompt_tokens, room_beside
from jobs.llms.provider import Counted, Finish, Message, Provider, Request, Tokens
from jobs.llms.question import CutShort, Llms, Question, Try, Whole
from jobs.llms.router import Step
from jobs.llms.sheet import Sheet
from jobs.run import FinalFailure, GivenBack, LeaseLost, Run
from models.kernel import tracing
from models.kernel.errors import (
    Cancelled,
    ContentBlocked,
    ContextTooLong,
    DeadlineExceeded,
    IlmError,
    ModelNotAvailable,
    ModelNotFound,
    Unavailable,
    UpstreamError,
    UpstreamRefused,
)
from models.llms import REASONING, Llm, llm_named

GO_ON: Final = (
    "Your answer above was cut off. Go on exactly where it stops: repeat nothing of it, and add"
    " no word about the break."
)
FILTERED: Final = "content_filter"
SILENT_ENDS: Final = frozenset({"length", FILTERED})
"""Reasons for which an answer may end without a word."""


class Answering:
    """One run of one question."""

    def __init__(self, question: Question, llms: Llms, run: Run) -> None:
        """Begin with an empty sheet."""
        self._question = question
        self._ask = question.ask
        self._llms = llms
        self._run = run
        shows = question.ask.streamed and question.ask.recovery != BUFFER
        self._sheet = Sheet(run, question.make_screen, shows=shows)
        self._tries: list[Try] = []
        self._continued = False

    @property
    def tries(self) -> tuple[Try, ...]:
        """The calls made so far."""
        return tuple(self._tries)

    def answer(self) -> Whole:
        """Return the answer.

        Raises the last fault when no LLM was left, so that the queue may try again later;
        `FinalFailure` when what was shown forbids that; `CutShort` when the caller cancelled. What
        the first LLM refuses goes to no other; what a stand-in refuses may suit the next.
        """
        self._refuse_rerun()
        last: IlmError | None = None
        for step in self._order():
            circuit = Circuit(step.vendor, step.llm)
            if self._question.key is None and not self._llms.breakers.admits(circuit):
                last = last or UpstreamError(f"{step.llm} keeps failing", retry_after=15)
                continue
            try:
                return self._noted(circuit, step)
            except (Unavailable, ContextTooLong) as fault:
                last = fault
            except UpstreamRefused:
                if last is None:
                    raise
            self._after(last)
        raise self._given_up(last or ModelNotAvailable("no LLM is left to ask"))

    def _order(self) -> Iterator[Step]:
        """Yield the plan's steps; who goes on from a broken answer may be asked twice."""
        yield from self._question.steps
        if self._ask.recovery == CONTINUE and self._sheet.is_shown:
            yield from self._question.steps

    def _refuse_rerun(self) -> None:
        """Refuse to glue a second answer to what was shown before a worker was lost."""
        may_begin_anew = self._ask.reruns or self._ask.recovery in {BUFFER, RESTART}
        if self._ask.streamed and not may_begin_anew and self._run.was_shown():
            raise FinalFailure(UpstreamError("the worker was lost in the middle of the answer"))

    def _noted(self, circuit: Circuit, step: Step) -> Whole:
        """Ask one LLM, and tell its breaker, unless a key of the caller's own is used (M-36)."""
        if self._question.key is not None:
            return self._call(step)
        try:
            whole = self._call(step)
        except (Unavailable, UpstreamRefused) as fault:
            self._llms.breakers.report(circuit, failed=isinstance(fault, Unavailable))
            raise
        except (CutShort, GivenBack, LeaseLost, DeadlineExceeded):
            self._llms.breakers.release(circuit)
            raise
        self._llms.breakers.report(circuit, failed=False)
        return whole

    def _call(self, step: Step) -> Whole:
        """Ask one LLM for the answer, or for the rest of it."""
        call = Call(step, self._request(step), self._llms.clock)
        self._sheet.begin(step.vendor, step.llm, continued=self._sheet.is_shown)
        asked = {"gen_ai.provider.name": step.vendor, "gen_ai.request.model": step.llm}
        try:
            with tracing.span(f"chat {step.llm}", tracing.CLIENT, attributes=asked):
                return self._write(call)
        except ContentBlocked:
            return self._ended(call, FILTERED)
        except Unavailable as fault:
            self._check_stopped(call)
            self._tried(call, "failed", fault.code)
            raise
        except (ContextTooLong, UpstreamRefused) as refusal:
            self._tried(call, "failed", refusal.code)
            raise
        except Cancelled as cause:
            raise self._cut(call, cause) from cause

    def _write(self, call: Call) -> Whole:
        """Write down what the LLM says, up to its terminal event."""
        provider = self._provider(call)
        stream = cast("Any", provider.stream(call.request, self._run.on_stop))  # has a close
        with closing(stream) as pieces:
            for piece in pieces:
                self._run.check()
                if isinstance(piece, Finish):
                    return self._finished(call, piece)
                if isinstance(piece, Counted):
                    call.counted, call.counted_at = piece.tokens, len(self._sheet.drawn)
                else:
                    call.heard()
                    self._sheet.take(piece)
        raise UpstreamError("the answer ended without saying so")

    def _provider(self, call: Call) -> Provider:
        vendor = call.step.vendor
        if call.request.key is not None:
            return self._llms.providers.for_own_key(vendor)
        if vendor not in self._llms.providers.house:
            raise ModelNotAvailable(f"{vendor} is not configured at this worker")
        return self._llms.providers.house[vendor]

    def _check_stopped(self, call: Call) -> None:
        """Say what a call whose socket was shut from outside really is: not a fault."""
        try:
            self._run.check()
        except Cancelled as cause:
            raise self._cut(call, cause) from cause

    def _finished(self, call: Call, finish: Finish) -> Whole:
        if self._sheet.is_empty and finish.reason not in SILENT_ENDS:
            raise UpstreamError("the answer was empty")
        call.exact = finish.tokens
        self._sheet.finish()
        whole = self._ended(call, finish.reason)
        return replace(whole, stop_sequence=finish.stop_sequence)

    def _ended(self, call: Call, reason: str) -> Whole:
        """Return the answer as far as it was written: whole, or cut off by the screen.

        What was not shown by now is told by the job's end, once the row has it: so nothing of an
        answer that waited for its end is shown by a worker that may yet be lost.
        """
        self._tried(call, "served", None)
        tokens = call.exact or self._estimate(call)
        return self._whole(call.step, reason, tokens, estimated=call.exact is None)

    def _cut(self, call: Call, cause: Cancelled) -> CutShort:
        self._tried(call, "cancelled", cause.code)
        if self._sheet.is_empty and not self._sheet.is_shown:
            return CutShort(cause, None)
        tokens = self._so_far(call)
        return CutShort(cause, self._whole(call.step, "cancelled", tokens, estimated=True))

    def _whole(self, step: Step, reason: str, tokens: Tokens, *, estimated: bool) -> Whole:
        return Whole(
            step=step, sheet=self._sheet, reason=reason, tokens=tokens, estimated=estimated,
            tries=self.tries, continued=self._continued,
        )  # fmt: skip

    def _after(self, fault: IlmError) -> None:
        """Decide what a fault means, now that something may have been shown."""
        if not self._sheet.is_shown:
            return
        if self._ask.recovery == RESTART:
            self._sheet.take_back()
        elif self._ask.recovery == CONTINUE and not self._sheet.has_tools:
            self._continued = True
        else:
            raise self._given_up(fault)

    def _given_up(self, fault: IlmError) -> Exception:
        """Return what ends this run: the queue tries again, unless what was shown forbids it.

        A caller's own key is here once and no more: what its vendor said is the last word.
        """
        if self._question.key is not None:
            return FinalFailure(fault)
        if self._sheet.is_shown and not self._ask.reruns and self._ask.recovery != RESTART:
            return FinalFailure(fault)
        return fault

    def _request(self, step: Step) -> Request:
        llm = llm_named(step.llm)
        if llm is None:
            raise ModelNotFound(f"there is no LLM called {step.llm}")
        thinks = REASONING in llm.abilities
        messages = self._messages()
        return Request(
            llm=llm.served_as,
            messages=messages,
            max_tokens=self._room(llm, messages),
            options=self._ask.options,
            limits=self._llms.reasoning_limits if thinks else self._llms.limits,
            key=self._question.key,
        )

    def _room(self, llm: Llm, messages: Sequence[Message]) -> int:
        """Return how long an answer may be; one whose length nobody named fits the window."""
        most = min(self._question.max_tokens, llm.max_output)
        if self._ask.max_tokens is not None:
            return most
        return min(most, room_beside(least_tokens(messages, self._ask.options), llm.window))

    def _messages(self) -> tuple[Message, ...]:
        """Return the conversation; of an answer that broke off, with its beginning."""
        if not (self._sheet.is_shown and self._sheet.text):
            return self._ask.messages
        begun: Mapping[str, Any] = {"role": "assistant", "content": self._sheet.text}
        return (*self._ask.messages, begun, {"role": "user", "content": GO_ON})

    def _estimate(self, call: Call) -> Tokens:
        """Count what was sent and what came, since the vendor did not say."""
        sent = prompt_tokens(call.request.messages, call.request.options)
        return Tokens(input=sent, output=sum(map(count_tokens, self._sheet.drawn)))

    def _so_far(self, call: Call) -> Tokens:
        """Return what a call that broke off has used: the vendor's count, and what came after."""
        if call.counted is None:
            return self._estimate(call)
        since = sum(map(count_tokens, self._sheet.drawn[call.counted_at :]))
        return replace(call.counted, output=call.counted.output + since)

    def _tried(self, call: Call, outcome: str, code: str | None) -> None:
        measure(call, outcome, code)
        is_lost = outcome == "failed" and not self._sheet.is_empty
        self._tries.append(
            Try(
                step=call.step,
                outcome=outcome,
                code=code,
                first_ms=call.first_ms,
                whole_ms=call.elapsed_ms(),
                lost=self._so_far(call) if is_lost else None,
            )
        )
