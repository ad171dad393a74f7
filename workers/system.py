"""The actors of the canary."""

from jobs.system import Echo, echo
from workers.actors import declare
from workers.tools import Tools


def enlist(tools: Tools) -> None:
    """Declare the canary's actor."""
    declare(tools, Echo, echo)
