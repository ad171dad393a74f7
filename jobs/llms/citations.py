"""Citations: a quoted excerpt and its page, shown only if it really stands there.

An answer cites as `"the quoted words" [p. 12]`. After the answer is whole, each excerpt is looked
for on the page it names, both normalised; what is not found is dropped and counted, never shown.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from models.books import PageText

LEAST_LETTERS: Final = 8

_CITED: Final = re.compile(r"[\"“«]([^\"“”«»]{1,2000})[\"”»]\s*\[p\.\s*(\d{1,6})\]")
_NOISE: Final = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Citation:
    """An excerpt and the page it stands on."""

    page: int
    excerpt: str


@dataclass(frozen=True, slots=True)
class Checked:
    """The citations that hold, and how many did not."""

    citations: tuple[Citation, ...]
    dropped: int


def citations_in(answer: str) -> list[Citation]:
    """Return what an answer cites, in order, each once."""
    found = (Citation(int(page), words.strip()) for words, page in _CITED.findall(answer))
    return list(dict.fromkeys(found))


def checked(book_id: UUID, claimed: Iterable[Citation]) -> Checked:
    """Keep the citations whose excerpt is on their page of this book."""
    cited = list(claimed)
    numbers = {citation.page for citation in cited}
    rows = PageText.select().where(PageText.book == book_id, PageText.number.in_(numbers))
    pages = {row.number: plain(row.content) for row in rows} if numbers else {}
    held = tuple(c for c in cited if stands_in(c.excerpt, pages.get(c.page, "")))
    return Checked(held, len(cited) - len(held))


def stands_in(excerpt: str, page: str) -> bool:
    """Say whether an excerpt is on a page already made plain; too short a one never counts."""
    letters = plain(excerpt)
    return len(letters) >= LEAST_LETTERS and letters in page


def plain(text: str) -> str:
    """Return only the letters and digits of a text, compatibility forms and case folded away.

    So line breaks, hyphenation, ligatures and punctuation make no difference.
    """
    return _NOISE.sub("", unicodedata.normalize("NFKC", text).casefold())
