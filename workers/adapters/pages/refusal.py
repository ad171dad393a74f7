"""How a child says that a whole document is no good. Only the child imports this."""

from typing import Literal

Reason = Literal["encrypted", "corrupt", "empty", "too-large", "unknown"]


class Refusal(Exception):
    """The document cannot be opened; the word says why, for the parent to translate."""

    def __init__(self, reason: Reason) -> None:
        """Keep the word."""
        super().__init__(reason)
        self.reason = reason
