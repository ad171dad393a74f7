"""Metering: how much of an answer has been written, told while it streams (M-22)."""

from collections.abc import Callable
from typing import Final

from jobs.llms.counting import count_tokens
from jobs.llms.sheet import Screen
from jobs.run import Run

TOLD_EVERY: Final = 50
"""Tokens between two tellings."""


class Meter:
    """Counts what passes through the screens of one answer, and keeps what was shown of it.

    The counts are our own; the vendor's, exact ones come with the end.
    """

    def __init__(self, run: Run, prompt: int, make_screen: Callable[[], Screen]) -> None:
        """Take where to tell, about how many tokens were asked, and what screens the answer."""
        self.text = ""
        self.goes_on = False
        """Whether an LLM goes on from what another has written."""
        self._run = run
        self._prompt = prompt
        self._make_screen = make_screen
        self._written = 0
        self._told = 0

    def screen(self) -> Screen:
        """Return the screen of an LLM that writes from here on; forget what does not count."""
        if not self.goes_on:
            self.text, self._written, self._told = "", 0, 0
        return _Metered(self, self._make_screen())

    def passed(self, piece: str, shown: str) -> str:
        """Take note of a piece, and tell the count now and then; return what is shown of it."""
        self.text += shown
        self._written += count_tokens(piece)
        if self._written - self._told >= TOLD_EVERY:
            self._told = self._written
            self._run.tell("tokens", input=self._prompt, output=self._written)
        return shown


class _Metered:
    """A screen that is counted."""

    def __init__(self, meter: Meter, screen: Screen) -> None:
        self._meter = meter
        self._screen = screen

    def feed(self, text: str) -> str:
        """Pass a piece on."""
        return self._meter.passed(text, self._screen.feed(text))

    def flush(self) -> str:
        """Pass on the rest."""
        return self._meter.passed("", self._screen.flush())

    def aside(self) -> Screen:
        """Return a screen for the thinking, which is not counted."""
        return self._screen.aside()
