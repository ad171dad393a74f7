"""Tasks: what kind of answer a message asks for, told by its words, at no cost (M-35)."""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from models.catalogue.reader import read

GENERAL: Final = "general"
PATTERN_COUNTS: Final = 3
LONGEST_READ: Final = 20_000

_WORD: Final = re.compile(r"[^\W_]+")


def task_of(message: str) -> str:
    """Return summary, reasoning, creative, code or general: the task with the most hits."""
    text = _folded(message[:LONGEST_READ])
    words = set(_WORD.findall(text))
    hits = {
        task: len(words & known) + PATTERN_COUNTS * sum(bool(p.search(text)) for p in patterns)
        for task, (known, patterns) in _rules().items()
    }
    best = max(hits, key=lambda task: hits[task])
    return best if hits[best] else GENERAL


@cache
def _rules() -> dict[str, tuple[frozenset[str], tuple[re.Pattern[str], ...]]]:
    entries: Mapping[str, Any] = read("routing")["task_words"]
    return {task: _rule(entry) for task, entry in entries.items()}


def _rule(entry: Mapping[str, Any]) -> tuple[frozenset[str], tuple[re.Pattern[str], ...]]:
    patterns = (re.compile(pattern, re.MULTILINE) for pattern in entry["patterns"])
    return frozenset(entry["words"]), tuple(patterns)


def _folded(text: str) -> str:
    """Return a text in lower case and without accents, as the rules are written."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))
