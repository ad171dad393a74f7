"""The port to a wire: its request becomes an `Ask`, an answer its body, job events its frames.

Both translations are pure, so that the API and the batches share them, and so that a stream that
is replayed from the job's events is the same bytes again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from jobs.llms.ask import Answer, Ask
from jobs.llms.provider import Message
from models.kernel.errors import IlmError

Body = Mapping[str, Any]
Event = Mapping[str, Any]
"""An event of the job's stream, parsed: `{"seq", "type", …}`. Of an LLM call these matter:

`served {vendor, model}`   who answers from here on; before the first content of every step, with
                           `continued: true` when it goes on from what another had begun
`delta {text}`             text of the answer
`reasoning {text}`         thinking that the vendor shows
`tool {index, id, name, arguments}`  a piece of a tool call; id and name with its first piece alone
`restart {…}`              throw away what came so far
`snapshot {text, reasoning, tools}`  the events before are lost; this is everything so far
`snapshot {result}`        the same, of a job that is over: the result of its row
`end {status, job}`        the last one; `job` is the job's body with `result` or `error`

A voice is told them from the last `restart` that is there, or from the first on.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call on a wire: what was sent, and under which id it is kept."""

    job_id: str
    created_at: datetime
    body: Body


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a stream, without the blank line that ends it.

    A client is told the frames whose `number` is above its cursor. The number is the `seq` of the
    event it tells; on the Responses wire, its `sequence_number`.
    """

    number: int
    text: str


class Voice(Protocol):
    """Tells one client the events of one job in a wire's frames, in order.

    A client that resumes is sent nothing up to its cursor, but the voice has heard it all, so that
    numbers and indexes are the same. Several frames may tell one event: only the last of them
    shows its number, since before that one the event is not told.
    """

    @property
    def has_ended(self) -> bool:
        """Whether the last frame was given."""
        ...

    def hear(self, event: Event) -> Sequence[Frame]:
        """Return the frames of an event; none for what this wire does not tell."""
        ...

    def fail(self, error: IlmError) -> Sequence[Frame]:
        """Return the frames that end a stream with an error; they are above every cursor."""
        ...


class Wire(Protocol):
    """One vendor's wire."""

    @property
    def heartbeat(self) -> str:
        """What is sent when there is nothing to tell, without the blank line that ends it."""
        ...

    def ask_of(self, body: Body, earlier: Sequence[Message] = ()) -> Ask:
        """Read a request; `earlier` is the conversation it goes on from, kept here.

        Raises `Invalid` with the field that is wrong.
        """
        ...

    def body_of(self, call: Call, answer: Answer) -> dict[str, Any]:
        """Write a whole answer."""
        ...

    def voice(self, call: Call, after: int | None = None) -> Voice:
        """Return what tells a stream of this call; `after` is the cursor of who resumes."""
        ...

    def error_body(self, error: IlmError, request_id: str) -> dict[str, Any]:
        """Write an error in this wire's own shape."""
        ...
