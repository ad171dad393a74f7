"""Hold-back: an answer is screened while it streams, and nobody sees what will be flagged (S-02).

Only what may yet become a flagged phrase waits; all other text goes through at once. Whatever way
an answer is cut into pieces, what comes out is what `check_output` gives for the whole.
"""

from jobs.safety.folding import fold, width
from jobs.safety.rules import LONGEST
from jobs.safety.screen import (
    BLOCK,
    STANDARD,
    Flag,
    SafetyService,
    blocked,
    flags_of,
    redacted,
)


class HoldBack:
    """The screen of one stream. `flags` is what was flagged so far."""

    def __init__(self, service: SafetyService, strictness: str = STANDARD) -> None:
        """Take the service and the user's strictness."""
        self._rules = service.rules
        self._strictness = strictness
        self._folded = ""
        """What is not decided, folded, behind as much as the rules look back on."""
        self._decided = 0
        self._held = ""
        self._ahead = 0
        """How many places of the first character held are decided: one may fold to several."""
        self._shown = 0
        self._marks: tuple[Flag, ...] = ()
        self.flags: list[Flag] = []

    def feed(self, text: str) -> str:
        """Take a piece; return what may be shown by now. Raise `ContentBlocked` for what may not.

        What was returned before stays as it is.
        """
        self._held += text
        self._folded += fold(text)
        return self._show(self._rules.undecided(self._folded, self._decided))

    def flush(self) -> str:
        """Return the rest, since nothing follows; raise `ContentBlocked` as `feed` does."""
        return self._show(len(self._folded))

    def _show(self, until: int) -> str:
        """Decide the text up to a place of what is folded, and return that much of it."""
        first = self._decided - self._ahead
        hits = [
            hit.moved_to(hit.start - first, hit.end - first)
            for hit in self._rules.hits(self._folded, self._decided, until)
        ]
        found = flags_of(hits, self._held, self._strictness, self._shown)
        self.flags += found
        if any(flag.action == BLOCK for flag in found):
            raise blocked(self.flags)
        count, self._ahead = self._characters(until - first)
        text = redacted(self._held[:count], self._shown, (*self._marks, *found))
        self._held = self._held[count:]
        self._shown += count
        self._marks = tuple(f for f in (*self._marks, *found) if f.end > self._shown)
        spare = max(0, until - LONGEST - 1)
        self._folded, self._decided = self._folded[spare:], until - spare
        return text

    def _characters(self, places: int) -> tuple[int, int]:
        """Return how many characters of what is held fold to so many places, and what is over."""
        if self._held.isascii():
            return places, 0
        for count, character in enumerate(self._held):
            if width(character) > places:
                return count, places
            places -= width(character)
        return len(self._held), 0
