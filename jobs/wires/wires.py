"""Which wire a name means."""

from collections.abc import Mapping
from typing import Final

from jobs.wires.chat import Chat
from jobs.wires.messages import Messages
from jobs.wires.responses import Responses
from jobs.wires.wire import Wire

CHAT: Final = "chat"
RESPONSES: Final = "responses"
MESSAGES: Final = "messages"

WIRES: Final[Mapping[str, Wire]] = {
    CHAT: Chat(),
    RESPONSES: Responses(),
    MESSAGES: Messages(),
}


def wire_named(name: str) -> Wire:
    """Return the wire of this name; raise `KeyError` for a name that is none of them."""
    return WIRES[name]
