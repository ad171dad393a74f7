"""The wire of Anthropic's Messages (XC-03)."""

from collections.abc import Sequence
from typing import Any

from jobs.llms.ask import Answer, Ask
from jobs.llms.provider import Message
from jobs.wires.errors import anthropic_body
from jobs.wires.messages_input import ask_of_messages
from jobs.wires.messages_output import message_body
from jobs.wires.messages_voice import MessagesVoice
from jobs.wires.wire import Body, Call, Voice
from models.kernel.errors import IlmError


class Messages:
    """Translates `/v1/messages`."""

    heartbeat = 'event: ping\ndata: {"type":"ping"}'

    def ask_of(self, body: Body, earlier: Sequence[Message] = ()) -> Ask:
        """Read a request; raise `Invalid` with the field that is wrong."""
        del earlier  # on this wire the client keeps the conversation
        return ask_of_messages(body)

    def body_of(self, call: Call, answer: Answer) -> dict[str, Any]:
        """Write a whole answer."""
        return message_body(call, answer)

    def voice(self, call: Call, after: int | None = None) -> Voice:
        """Return what tells a stream of this call; `after` is the `seq` of who resumes."""
        return MessagesVoice(call, after)

    def error_body(self, error: IlmError, request_id: str) -> dict[str, Any]:
        """Write an error."""
        return anthropic_body(error, request_id)
