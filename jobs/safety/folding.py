"""Folding: one spelling for what reads the same, character by character.

Case, accents, width, look-alike letters and invisible characters go. Each character folds alone,
so a text may be folded in pieces, wherever it is cut; that is what the hold-back stands on.
"""

import unicodedata
from typing import Final

_LOOK_ALIKE: Final = str.maketrans(
    {
        "ى": "ي", "ة": "ه", "ـ": None, "ٱ": "ا",
        "а": "a", "е": "e", "о": "o", "р": "p", "с": "c", "у": "y", "х": "x", "і": "i", "ѕ": "s",
        "ј": "j", "ο": "o", "α": "a", "ι": "i", "ν": "v", "ı": "i", "ł": "l", "ø": "o", "đ": "d",
        "’": "'", "‘": "'", "ʼ": "'", "`": "'",
    }
)  # fmt: skip
_UNSEEN: Final = frozenset({"Mn", "Me", "Cf"})


class _Folds(dict[int, str]):
    """What each character folds to, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        folded = _fold_one(chr(code))
        self[code] = folded
        return folded


_FOLDS: Final = _Folds()


def fold(text: str) -> str:
    """Return the folded text; what is folded in pieces is the same as what is folded whole."""
    return text.translate(_FOLDS)


def width(character: str) -> int:
    """Return how many characters one folds to: mostly one, none for what is invisible."""
    return len(_FOLDS[ord(character)])


def _fold_one(character: str) -> str:
    decomposed = unicodedata.normalize("NFKD", character).casefold().translate(_LOOK_ALIKE)
    again = unicodedata.normalize("NFKD", decomposed)
    return "".join(c for c in again if unicodedata.category(c) not in _UNSEEN)
