"""The language of a book, guessed from its file's name (K-08); BCP 47 tags."""

import re
import unicodedata
from typing import Final

_NAMES: Final = {
    "arabic": "ar", "chinese": "zh", "dutch": "nl", "english": "en", "french": "fr",
    "francais": "fr", "german": "de", "deutsch": "de", "hindi": "hi", "indonesian": "id",
    "italian": "it", "italiano": "it", "japanese": "ja", "korean": "ko", "malay": "ms",
    "persian": "fa", "farsi": "fa", "polish": "pl", "portuguese": "pt", "russian": "ru",
    "spanish": "es", "espanol": "es", "swahili": "sw", "turkish": "tr", "turkce": "tr",
    "urdu": "ur", "bengali": "bn", "ukrainian": "uk",
}  # fmt: skip
_CODES: Final = frozenset(_NAMES.values())
_SCRIPTS: Final = {
    "ARABIC": "ar", "CYRILLIC": "ru", "HEBREW": "he", "HANGUL": "ko", "HIRAGANA": "ja",
    "KATAKANA": "ja", "CJK": "zh", "DEVANAGARI": "hi", "GREEK": "el", "BENGALI": "bn",
    "THAI": "th",
}  # fmt: skip
_MARK: Final = re.compile(r"[-_.\[(]([a-z]{2})(?:[-_][a-z]{2})?[\])]?\.[a-z0-9]+$")


def language_of(file_name: str) -> str | None:
    """Return the language a file's name speaks of, None when it says nothing.

    In this order: a code just before the suffix (`manual_fr.pdf`), the name of a language in it,
    the script it is written in.
    """
    plain = unicodedata.normalize("NFKD", file_name).encode("ascii", "ignore").decode().lower()
    mark = _MARK.search(plain)
    if mark and mark.group(1) in _CODES:
        return mark.group(1)
    for word in re.split(r"[^a-z]+", plain):
        if word in _NAMES:
            return _NAMES[word]
    return _script_of(file_name)


def _script_of(text: str) -> str | None:
    letters = (unicodedata.name(c, "").split(" ")[0] for c in text if ord(c) > 0x2FF)
    return next((_SCRIPTS[name] for name in letters if name in _SCRIPTS), None)
