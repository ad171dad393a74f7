"""The wire of OpenAI's Chat Completions (XC-01)."""

from collections.abc import Sequence
from typing import Any

from jobs.llms.ask import Answer, Ask
from jobs.llms.provider import Message
from jobs.wires.chat_input import ask_of_chat
from jobs.wires.chat_output import ChatVoice, chat_body
from jobs.wires.errors import openai_body
from jobs.wires.wire import Body, Call, Voice
from models.kernel.errors import IlmError


class Chat:
    """Translates `/v1/chat/completions`."""

    heartbeat = ": keep-alive"

    def ask_of(self, body: Body, earlier: Sequence[Message] = ()) -> Ask:
        """Read a request; raise `Invalid` with the field that is wrong."""
        del earlier  # on this wire the client keeps the conversation
        return ask_of_chat(body)

    def body_of(self, call: Call, answer: Answer) -> dict[str, Any]:
        """Write a whole answer."""
        return chat_body(call, answer)

    def voice(self, call: Call, after: int | None = None) -> Voice:
        """Return what tells a stream of this call; `after` is the `seq` of who resumes."""
        return ChatVoice(call, after)

    def error_body(self, error: IlmError, request_id: str) -> dict[str, Any]:
        """Write an error; the request's id goes in a header on this wire."""
        del request_id
        return openai_body(error)
