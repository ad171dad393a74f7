"""What somebody asks of the LLMs, whatever wire it came by; and the answer it came to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self

from jobs.llms.provider import Message, Tokens
from models.jobs import JobRow
from models.kernel.ids import wire_id

ERROR: Final = "error"
CONTINUE: Final = "continue"
BUFFER: Final = "buffer"
RESTART: Final = "restart"
RECOVERIES: Final = (ERROR, CONTINUE, BUFFER, RESTART)
"""What happens when a call breaks after content was shown (CONTRACT §5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One question. `options` are further Chat fields, `streamed` whether it is shown as it comes.

    What the caller did not say is None, and is settled by the caller's tier and the catalogue.
    """

    model: str
    messages: tuple[Message, ...]
    max_tokens: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    streamed: bool = False
    recovery: str = ERROR
    falls_back: bool = True
    reruns: bool = False
    """Whether a re-run may follow after content was shown: kept by a key, or in the background."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A whole tool call of an answer; `arguments` is JSON text as the LLM wrote it."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer, as the job's row keeps it in `result`."""

    job_id: str
    created_at: datetime
    model: str
    vendor: str
    content: str
    finish_reason: str
    tokens: Tokens
    stop_sequence: str | None = None
    """What of the caller's own words stopped it, where the vendor said so."""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    cost_nano: int = 0
    estimated: bool = False
    attempts: int = 1
    continued: bool = False
    warnings: tuple[Mapping[str, str], ...] = ()

    @classmethod
    def of(cls, job: JobRow) -> Self:
        """Return the answer of a job that succeeded."""
        result: Mapping[str, Any] = job.result or {}
        return cls(
            job_id=wire_id("job", job.id), created_at=job.created_at, model=result["model"],
            vendor=result["vendor"], content=result["content"],
            finish_reason=result["finishReason"], tokens=Tokens(**result["tokens"]),
            stop_sequence=result.get("stopSequence"),
            reasoning=result["reasoning"],
            tool_calls=tuple(ToolCall(**call) for call in result["toolCalls"]),
            cost_nano=int(result["usage"]["costNanoUsd"]), estimated=result["estimated"],
            attempts=len(result["attempts"]), continued=result["continued"],
            warnings=tuple(result.get("warnings", ())),
        )  # fmt: skip

    @property
    def x_ilm(self) -> dict[str, Any]:
        """What Ilm adds to a wire's body: which job, who served, what it cost (CONTRACT §5)."""
        return {
            "job_id": self.job_id,
            "cost_nano_usd": str(self.cost_nano),
            "estimated": self.estimated,
            "served_by": {"vendor": self.vendor, "model": self.model},
            "attempts": self.attempts,
            **({"continued": True} if self.continued else {}),
            **({"warnings": list(self.warnings)} if self.warnings else {}),
        }
