"""The wire of OpenAI's Responses (XC-01)."""

from collections.abc import Sequence
from typing import Any

from jobs.llms.ask import Answer, Ask
from jobs.llms.provider import Message
from jobs.wires.errors import openai_body
from jobs.wires.responses_input import ask_of_response
from jobs.wires.responses_output import response_body
from jobs.wires.responses_voice import ResponsesVoice
from jobs.wires.wire import Body, Call, Voice
from models.kernel.errors import IlmError


class Responses:
    """Translates `/v1/responses`."""

    heartbeat = ": keep-alive"

    def ask_of(self, body: Body, earlier: Sequence[Message] = ()) -> Ask:
        """Read a request; `earlier` is the conversation it goes on from.

        Raises `Invalid` with the field that is wrong.
        """
        return ask_of_response(body, earlier)

    def body_of(self, call: Call, answer: Answer) -> dict[str, Any]:
        """Write a whole response."""
        return response_body(call, answer)

    def voice(self, call: Call, after: int | None = None) -> Voice:
        """Return what tells a stream; `after` is the `sequence_number` of who resumes."""
        return ResponsesVoice(call, after)

    def error_body(self, error: IlmError, request_id: str) -> dict[str, Any]:
        """Write an error; the request's id goes in a header on this wire."""
        del request_id
        return openai_body(error)
