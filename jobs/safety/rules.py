"""The rules of every language, compiled: where a folded text is flagged, and where it may yet be.

Whether a rule matches is asked at every place on its own, so the answer at one place never hangs
on what was found at another: a text cut into pieces is flagged as the whole is.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final, Self

from jobs.safety.patterns import AFTER, BEFORE, Phrase, becoming, first_words, matching, phrases_of
from models.lexicon import SEVERITIES, Lexicon, lexicons

LONGEST: Final = 200
"""The longest an exception may be, in folded characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """What one place of a folded text is flagged for; `language` is that of the rule."""

    category: str
    severity: str
    language: str
    start: int
    end: int

    def moved_to(self, start: int, end: int) -> Self:
        """Return the hit at another place."""
        return replace(self, start=start, end=end)


class Rules:
    """Every rule of some lexicons, the gravest first."""

    def __init__(self, lexicons: Sequence[Lexicon]) -> None:
        """Compile the rules, and what may yet become a phrase of one."""
        told = [(each.language, rule) for each in lexicons for rule in each.rules]
        told.sort(key=lambda pair: -SEVERITIES.index(pair[1].severity))
        spared = _Table([each.exceptions for each in lexicons])
        flagged = _Table([rule.patterns for _, rule in told])
        self._told = [told[place] for place in flagged.places]
        self._flagged = re.compile(f"{BEFORE}{flagged.filter}(?={flagged.matching}{AFTER})")
        self._spared = re.compile(f"{BEFORE}(?={spared.matching}{AFTER})")
        self._becoming = re.compile(f"{BEFORE}(?:{flagged.becoming}|{spared.becoming})")

    def undecided(self, text: str, start: int) -> int:
        """Return the first place from `start` on where more text may make a phrase of it."""
        found = self._becoming.search(text, start)
        return found.start() if found else len(text)

    def hits(self, text: str, start: int, end: int) -> Iterator[Hit]:
        """Yield the gravest hit of each place from `start` up to `end`, in order.

        What stands inside an exception is not flagged. `LONGEST` characters before `start` have to
        be there, if the text has so many.
        """
        for found in self._flagged.finditer(text, start):
            if found.start() >= end:
                return
            hit = self._hit(found)
            if not self._is_spared(text, hit):
                yield hit

    def _hit(self, found: re.Match[str]) -> Hit:
        group = found.lastindex or 0
        language, rule = self._told[group - 1]
        return Hit(
            category=rule.category,
            severity=rule.severity,
            language=language,
            start=found.start(),
            end=found.end(group),
        )

    def _is_spared(self, text: str, hit: Hit) -> bool:
        near = self._spared.finditer(text, max(0, hit.start - LONGEST), hit.start + LONGEST + 1)
        return any(
            found.end(found.lastindex or 0) >= hit.end
            for found in near
            if found.start() <= hit.start
        )


class _Table:
    """Lists of patterns by their first letter, so that one look at it rules most of them out.

    `filter` looks at the first word alone. `places` tells for every group of `matching` in which of
    the lists it stood.
    """

    def __init__(self, lists: Sequence[Sequence[str]]) -> None:
        signs: dict[str, dict[int, list[Phrase]]] = {}
        for place, patterns in enumerate(lists):
            for pattern in patterns:
                for sign, phrase in phrases_of(pattern):
                    signs.setdefault(sign, {}).setdefault(place, []).append(phrase)
        self.filter = (
            f"(?=(?:{'|'.join(_first(sign, rows) for sign, rows in signs.items())}){AFTER})"
        )
        self.places = [place for rows in signs.values() for place in rows]
        self.matching = _joined(
            (sign, [f"({_any(matching, phrases)})" for phrases in rows.values()])
            for sign, rows in signs.items()
        )
        self.becoming = _joined(
            (sign, [_any(becoming, phrases) for phrases in rows.values()])
            for sign, rows in signs.items()
        )


@cache
def rules() -> Rules:
    """Return the rules of all languages."""
    return Rules(lexicons())


def _first(sign: str, rows: Mapping[int, Sequence[Phrase]]) -> str:
    words = {
        word for phrases in rows.values() for phrase in phrases for word in first_words(phrase)
    }
    return f"{sign}(?:{'|'.join(word.removeprefix(sign) for word in sorted(words))})"


def _any(made: Callable[[Phrase], str], phrases: Iterable[Phrase]) -> str:
    return "|".join(map(made, phrases))


def _joined(signs: Iterable[tuple[str, list[str]]]) -> str:
    ways = (f"(?={sign})(?:{'|'.join(expressions)})" for sign, expressions in signs)
    return f"(?:{'|'.join(ways)})"
