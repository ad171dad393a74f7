"""The lexicon of safety, as data: what is flagged, how gravely, and what is not meant (S-03).

A file a language in `catalogue/safety`; how a pattern reads is told in `jobs/safety/patterns.py`.
"""

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from models.catalogue.reader import read

HATE: Final = "hate"
VIOLENCE: Final = "violence"
SEXUAL: Final = "sexual"
SELF_HARM: Final = "self_harm"
ILLEGAL: Final = "illegal"
CATEGORIES: Final = (HATE, VIOLENCE, SEXUAL, SELF_HARM, ILLEGAL)

LOW: Final = "low"
MEDIUM: Final = "medium"
HIGH: Final = "high"
SEVERITIES: Final = (LOW, MEDIUM, HIGH)
"""From what is only logged to what is blocked."""

LANGUAGES: Final = ("en", "ar", "de", "es", "fr")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Phrases that are flagged alike."""

    category: str
    severity: str
    patterns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """What one language flags; nothing inside one of its `exceptions` is.

    `warnings` are the words for who is warned of a category; of self-harm they point to help.
    """

    language: str
    rules: tuple[Rule, ...]
    exceptions: tuple[str, ...]
    warnings: MappingProxyType[str, str]


@cache
def lexicons() -> tuple[Lexicon, ...]:
    """Return the lexicon of every language; raise `ValueError` for an unknown category."""
    return tuple(_lexicon(language, dict(read(f"safety/{language}"))) for language in LANGUAGES)


def _lexicon(language: str, entry: dict[str, Any]) -> Lexicon:
    rules = tuple(
        Rule(category=each["category"], severity=each["severity"], patterns=tuple(each["patterns"]))
        for each in entry["rules"]
    )
    if odd := [r for r in rules if r.category not in CATEGORIES or r.severity not in SEVERITIES]:
        raise ValueError(f"the lexicon of {language}: {odd[0].category}, {odd[0].severity}")
    return Lexicon(
        language=language,
        rules=rules,
        exceptions=tuple(entry["exceptions"]),
        warnings=MappingProxyType(entry["warnings"]),
    )
