"""Bounds: how much one WebSocket, one person and one process may have (G-26)."""

from dataclasses import dataclass
from typing import Final

MOST_BYTES: Final = 64 * 2**10
"""Of one message from a client; the server itself closes with 1009 past it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Every limit on what is said over WebSockets; times are seconds."""

    hello: float = 10.0
    """For a client to say who it is, when its request did not."""
    ping: float = 15.0
    silence: float = 60.0
    """How long a client may say nothing at all."""
    send: float = 10.0
    """For a client to take in one message while its buffers are full."""
    look: float = 5.0
    """Between two looks at whether the credentials still hold."""
    leave: float = 2.0
    """For what is being told to end, when the process goes down."""
    linger: float = 5.0
    """For a client that was sent a close to answer it, before the line is cut."""

    messages: int = 200
    messages_within: float = 10.0
    subjects: int = 100
    waiting: int = 200
    """Events of one subject that wait for a client; past them it reads the stream."""
    per_person: int = 50
    per_process: int = 10_000
