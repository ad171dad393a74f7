"""Passages: the parts of a book that bear on a question, with their pages (M-41)."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from models.kernel.database import database

MOST_PAGES: Final = 16
MOST_TERMS: Final = 24
MOST_A_PAGE: Final = 2
WINDOW_WORDS: Final = 60

_STOP_WORDS: Final = frozenset(
    """
    a about an and are as at be been but by can could did do does for from had has have
    how i if in into is it its me my of on or our should so than that the their them
    then there these they this to us was we were what when where which who whom why will
    with would you your tell explain describe please book page say says
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
_WORD: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_SENTENCE: Final = re.compile(r"(?<=[.!?؟。])\s+")

_PAGES: Final = """
select number, content from page_text
where book_id = %s and search @@ to_tsquery('simple', %s)
order by ts_rank_cd(search, to_tsquery('simple', %s), 1) desc, number limit %s
"""
_LEAD: Final = 0.5
"""How much more it counts that a passage begins with the words asked for."""

_FIRST_PAGES: Final = """
select number, content from page_text where book_id = %s and content <> '' order by number limit %s
"""


@dataclass(frozen=True, slots=True)
class Passage:
    """A run of sentences on one page."""

    page: int
    text: str


def terms_of(text: str) -> list[str]:
    """Return the words that carry a question, stemmed roughly, each once, in order."""
    words = (word.lower() for word in _WORD.findall(text))
    kept = dict.fromkeys(stem(word) for word in words if word not in _STOP_WORDS)
    return list(kept)[:MOST_TERMS]


def stem(word: str) -> str:
    """Take the commonest English endings off, so that `whale`, `whales` and `whale's` are one.

    Words of other scripts, and what would leave fewer than three letters, stay as they are.
    """
    if not word.isascii():
        return word
    word = word.removesuffix("'s")
    for ending in ("ing", "ies", "ed", "s"):
        if word.endswith(ending) and not word.endswith("ss") and _stays(word, ending):
            word = word.removesuffix(ending)
            break
    for ending in ("e", "y"):
        if word.endswith(ending) and _stays(word, ending):
            return word.removesuffix(ending)
    return word


def _stays(word: str, ending: str) -> bool:
    """Say whether enough of a word is left without an ending; `play` is not `plan`."""
    return len(word) - len(ending) >= len("plan" if ending == "y" else "pla")


def pages_about(book_id: UUID, question: str) -> list[Passage]:
    """Return the pages of a book that match a question best; its first ones when none does."""
    terms = terms_of(question)
    query = " | ".join(f"{term.replace(chr(39), '')}:*" for term in terms)
    rows = database.rows(_PAGES, (book_id, query, query, MOST_PAGES)) if query else []
    if not rows:
        rows = database.rows(_FIRST_PAGES, (book_id, MOST_PAGES))
    return [Passage(number, content) for number, content in rows]


def best_passages(pages: Iterable[Passage], question: str, most: int) -> list[Passage]:
    """Return the passages that answer a question best, best first, none overlapping another.

    Every run of whole sentences is scored by the rarity of the question's words in it (inverse
    document frequency over the sentences), by how many different ones it has, and against its
    length.
    """
    terms = frozenset(terms_of(question))
    sheets = [(page.page, [_measured(s, terms) for s in _sentences(page.text)]) for page in pages]
    spread = Counter(term for _, sheet in sheets for s in sheet for term in s.terms)
    total = sum(len(sheet) for _, sheet in sheets)
    rarity = {t: math.log(1 + (total - n + 0.5) / (n + 0.5)) for t, n in spread.items()}
    runs = [run for page, sheet in sheets for run in _runs(page, sheet, rarity, len(terms))]
    runs.sort(key=lambda run: (-run.score, run.page, run.start))
    return _apart((run for run in runs if run.score > 0 or not terms), most)


@dataclass(frozen=True, slots=True)
class _Sentence:
    text: str
    words: int
    terms: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Run:
    page: int
    start: int
    end: int
    text: str
    score: float


def _sentences(text: str) -> list[str]:
    return _SENTENCE.split(" ".join(text.split()))


def _measured(sentence: str, terms: frozenset[str]) -> _Sentence:
    words = [word.lower() for word in _WORD.findall(sentence)]
    return _Sentence(sentence, len(words), frozenset(map(stem, words)) & terms)


def _runs(
    page: int, sheet: list[_Sentence], rarity: Mapping[str, float], asked: int
) -> Iterator[_Run]:
    """Yield a run from every sentence on: as many as fit the window."""
    for start in range(len(sheet)):
        end, words = start, 0
        while end < len(sheet) and (end == start or words + sheet[end].words <= WINDOW_WORDS):
            words += sheet[end].words
            end += 1
        found = frozenset().union(*(s.terms for s in sheet[start:end]))
        coverage = len(found) / asked if asked else 1.0
        weight = sum(rarity[term] for term in found) + _LEAD * sum(
            rarity[term] for term in sheet[start].terms
        )
        damp = 1 + max(0, words - WINDOW_WORDS) / WINDOW_WORDS
        text = " ".join(s.text for s in sheet[start:end])
        yield _Run(page, start, end, text, coverage * weight / damp)


def _apart(runs: Iterable[_Run], most: int) -> list[Passage]:
    """Take the first runs that share no sentence, at most two of one page."""
    chosen: list[_Run] = []
    for run in runs:
        if len(chosen) == most:
            break
        same = [other for other in chosen if other.page == run.page]
        overlaps = any(run.start < other.end and other.start < run.end for other in same)
        if not overlaps and len(same) < MOST_A_PAGE:
            chosen.append(run)
    return [Passage(run.page, run.text) for run in chosen]


def as_context(passages: Sequence[Passage]) -> str:
    """Write passages the way LLMs are given them: a line each, the page in front."""
    return "\n\n".join(f"[p. {passage.page}] {passage.text}" for passage in passages)


def from_context(context: str) -> list[Passage]:
    """Read what `as_context` wrote."""
    parts = re.split(r"(?m)^\[p\. (\d+)\] ", context)
    return [
        Passage(int(number), text.strip())
        for number, text in zip(parts[1::2], parts[2::2], strict=True)
    ]
