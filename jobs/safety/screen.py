"""The safety service: what is flagged in a text, and what follows from it (S-01 – S-06).

Pure and local: a lexicon and no call, so it costs nothing. A severity leads to an action by the
strictness of the user; a text is never logged, only what it was flagged for.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import Final

from jobs.safety.folding import fold, width
from jobs.safety.rules import Hit, Rules, rules
from models.kernel.errors import ContentBlocked, Detail
from models.kernel.logs import get_logger
from models.lexicon import HIGH, LOW, MEDIUM, lexicons

ALLOW: Final = "allow"
LOG: Final = "log"
WARN: Final = "warn"
BLOCK: Final = "block"
ACTIONS: Final = (ALLOW, LOG, WARN, BLOCK)

RELAXED: Final = "relaxed"
STANDARD: Final = "standard"
STRICT: Final = "strict"
STRICTNESSES: Final[Mapping[str, Mapping[str, str]]] = {
    RELAXED: {LOW: ALLOW, MEDIUM: LOG, HIGH: BLOCK},
    STANDARD: {LOW: LOG, MEDIUM: WARN, HIGH: BLOCK},
    STRICT: {LOW: WARN, MEDIUM: BLOCK, HIGH: BLOCK},
}
"""What each strictness makes of a severity (S-03, S-06); a warning about an answer redacts it."""

REDACTION: Final = "█"

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """What a part of a text is flagged for; `start` and `end` count its characters."""

    category: str
    severity: str
    action: str
    language: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What follows for a text: the gravest action, why, the text that may be shown, a word to say.

    `warning` is for the user; of self-harm it points to help. A blocked text is empty.
    """

    action: str
    flags: tuple[Flag, ...]
    text: str
    warning: str = ""

    @property
    def is_blocked(self) -> bool:
        """Whether nobody may read it."""
        return self.action == BLOCK

    def refusal(self) -> ContentBlocked:
        """Return the error that says so (S-04)."""
        return blocked(self.flags)


class SafetyService:
    """Screens texts by the lexicon."""

    def __init__(self, known: Rules | None = None) -> None:
        """Take the rules; the catalogue's, if none are given."""
        self.rules = known or rules()

    def check_input(self, text: str, strictness: str = STANDARD) -> Verdict:
        """Screen what a user writes: it passes whole, with a warning, or not at all."""
        return verdict_on(text, self._flags(text, strictness))

    def check_output(self, text: str, strictness: str = STANDARD) -> Verdict:
        """Screen what an LLM answers: what is warned of is redacted."""
        flags = self._flags(text, strictness)
        action = gravest(flags)
        shown = "" if action == BLOCK else redacted(text, 0, flags)
        return Verdict(action=action, flags=flags, text=shown, warning=warning_of(flags))

    def moderate(self, text: str, strictness: str) -> Verdict:
        """Judge a text as the port `Moderator` has it: as an input."""
        return self.check_input(text, strictness)

    def _flags(self, text: str, strictness: str) -> tuple[Flag, ...]:
        folded = fold(text)
        hits = list(self.rules.hits(folded, 0, len(folded)))
        return flags_of(hits, text, strictness)


def verdict_on(text: str, flags: tuple[Flag, ...]) -> Verdict:
    """Return what follows for an input that was flagged so."""
    action = gravest(flags)
    shown = "" if action == BLOCK else text
    return Verdict(action=action, flags=flags, text=shown, warning=warning_of(flags))


def flags_of(hits: Sequence[Hit], text: str, strictness: str, before: int = 0) -> tuple[Flag, ...]:
    """Return the flags of a text's hits, by the text's own characters, and log them.

    `before` is how many characters of the whole stand before this text.
    """
    if not hits:
        return ()
    ends = list(accumulate(map(width, text)))
    begins = list(chain((0,), ends))[:-1]
    places = [
        (before + bisect_right(ends, hit.start), before + bisect_left(begins, hit.end))
        for hit in hits
    ]
    return acted_on(
        [hit.moved_to(*place) for hit, place in zip(hits, places, strict=True)], strictness
    )


def acted_on(hits: Iterable[Hit], strictness: str) -> tuple[Flag, ...]:
    """Return the flags of hits that have consequences at this strictness, and log them all."""
    flags = [
        Flag(
            category=hit.category,
            severity=hit.severity,
            action=STRICTNESSES[strictness][hit.severity],
            language=hit.language,
            start=hit.start,
            end=hit.end,
        )
        for hit in hits
    ]
    told = Counter((flag.category, flag.severity, flag.action) for flag in flags)
    for (category, severity, action), count in told.items():
        log.info("safety.flagged", category=category, severity=severity, action=action, count=count)
    return tuple(flag for flag in flags if flag.action != ALLOW)


def redacted(text: str, before: int, flags: Iterable[Flag]) -> str:
    """Return the text with what is warned of made unreadable, character by character."""
    shown = list(text)
    for flag in flags:
        if flag.action == WARN:
            for place in range(max(flag.start - before, 0), min(flag.end - before, len(shown))):
                shown[place] = REDACTION
    return "".join(shown)


def gravest(flags: Iterable[Flag]) -> str:
    """Return the gravest action of some flags; allow when there are none."""
    return max((flag.action for flag in flags), key=ACTIONS.index, default=ALLOW)


def warning_of(flags: Sequence[Flag]) -> str:
    """Return what to tell the user about the gravest of some flags; nothing for mere logging."""
    told = [flag for flag in flags if flag.action in {WARN, BLOCK}]
    if not told:
        return ""
    flag = max(told, key=lambda each: ACTIONS.index(each.action))
    words = next(each.warnings for each in lexicons() if each.language == flag.language)
    return words[flag.category]


def blocked(flags: Sequence[Flag]) -> ContentBlocked:
    """Return the error for a text that nobody may read, with its categories and words of help."""
    categories = dict.fromkeys(flag.category for flag in flags if flag.action == BLOCK)
    details = [Detail("content", category) for category in categories]
    return ContentBlocked(warning_of(flags) or None, details=details)
