"""Patterns of the safety lexicon: phrases with alternatives, made into regular expressions.

`(a|b c)` is either, `(a)?` may be left out, `*` is up to three words of any kind, and `word~` a
word with any short ending. Between words stand up to three signs that end no sentence. Letters
match the digits and signs that are written for them. Every pattern is bounded.

A pattern has two expressions: one that matches it, and one that matches what may yet become it,
up to the end of the text, so that a stream knows what to hold back.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from jobs.safety.folding import fold

LETTER: Final = r"[^\W_]"
SIGN: Final = r"(?:[^\w.!?;:؟؛]|_)"
GAP: Final = rf"{SIGN}{{1,3}}"
BEFORE: Final = rf"(?<!{LETTER})"
AFTER: Final = rf"(?!{LETTER})"

_LOOKS: Final = {
    "a": "a4@", "b": "b8", "e": "e3", "g": "g9", "i": "i1!|", "l": "l1|", "o": "o0", "s": "s5$",
    "t": "t7",
}  # fmt: skip
_ENDING: Final = rf"{LETTER}{{0,4}}"
_ANY_WORD: Final = rf"{LETTER}{{1,20}}"
_HALF_WORD: Final = r"\S{0,30}\Z"
_SPLIT: Final = re.compile(r"\)\?|[()|*]|[^\s()|*]+")


@dataclass(frozen=True, slots=True)
class Word:
    """One word; `is_open` when any short ending may follow."""

    text: str
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """Any of these phrases; perhaps none."""

    phrases: tuple["Phrase", ...]
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class Wild:
    """Up to three words of any kind."""


Part = Word | Choice | Wild
Phrase = tuple[Part, ...]


def phrases_of(pattern: str) -> list[tuple[str, Phrase]]:
    """Read a pattern; return its ways, each behind the letter it begins with.

    Raises `ValueError` for one that is not closed, or ends in what may be left out.
    """
    phrases, rest = _read(_SPLIT.findall(fold(pattern)))
    if rest:
        raise ValueError(f"{pattern}: a bracket is closed that was not opened")
    if not all(phrases) or any(isinstance(p[0], Wild) or _is_loose(p[-1]) for p in phrases):
        raise ValueError(f"{pattern}: a pattern begins and ends in a word that has to be there")
    return [found for phrase in phrases for found in _by_beginning(phrase)]


def matching(phrase: Sequence[Part]) -> str:
    """Return an expression for the whole phrase."""
    return "".join(_step(part, is_last=i == len(phrase) - 1) for i, part in enumerate(phrase))


def becoming(phrase: Sequence[Part]) -> str:
    """Return an expression for every beginning of a phrase that ends where the text ends.

    Of the first word every letter counts; of the others, any word that is not whole may be it.
    """
    head, *rest = phrase
    if isinstance(head, Word):
        return f"(?:{_letters(head)}|{_then(head, rest)})" if rest else _letters(head)
    if isinstance(head, Choice):
        ways = [becoming(choice) for choice in head.phrases]
        return f"(?:{'|'.join([*ways, _then(head, rest)] if rest else ways)})"
    raise TypeError("a pattern begins with a word that has to be there")


def first_words(phrase: Phrase) -> list[str]:
    """Return an expression for each word a phrase may begin with."""
    head = phrase[0]
    if isinstance(head, Choice):
        return [word for choice in head.phrases for word in first_words(choice)]
    return [_body(head)]


def _then(part: Part, rest: Sequence[Part]) -> str:
    """Return an expression for a part that is whole, and as much of the rest as there is."""
    return rf"{_body(part)}{GAP}{_unfinished(rest)}"


def _unfinished(phrase: Sequence[Part]) -> str:
    """Return an expression for the middle of a phrase, up to a word that is perhaps not whole."""
    head, *rest = phrase
    ways = [_HALF_WORD]
    if isinstance(head, Choice):
        ways += [_unfinished(choice) for choice in head.phrases if choice[1:]]
    if isinstance(head, Wild):
        return rf"(?:{_ANY_WORD}{GAP}){{0,3}}{_unfinished(rest)}"
    if rest:
        ways.append(_then(head, rest))
    if rest and _is_loose(head):
        ways.append(_unfinished(rest))
    return f"(?:{'|'.join(ways)})"


def _letters(word: Word) -> str:
    """Return an expression for every beginning of a word, itself included, at the text's end."""
    first, *others = map(_letter, word.text)
    nested = rf"{_ENDING}\Z" if word.is_open else r"\Z"
    for letter in reversed(others):
        nested = rf"(?:\Z|{letter}{nested})"
    return first + nested


def _read(tokens: list[str]) -> tuple[list[Phrase], list[str]]:
    """Read alternatives up to a closing bracket; return them and what follows."""
    phrases: list[Phrase] = []
    parts: list[Part] = []
    while tokens and not tokens[0].startswith(")"):
        sign, *tokens = tokens
        if sign == "(":
            inner, tokens = _read(tokens)
            if not tokens:
                raise ValueError("a bracket is not closed")
            parts.append(Choice(tuple(inner), tokens[0] == ")?"))
            tokens = tokens[1:]
        elif sign == "|":
            phrases.append(tuple(parts))
            parts = []
        else:
            parts.append(Wild() if sign == "*" else _word(sign))
    return [*phrases, tuple(parts)], tokens


def _word(text: str) -> Word:
    return Word(text.removesuffix("~"), text.endswith("~"))


def _by_beginning(phrase: Phrase) -> list[tuple[str, Phrase]]:
    """Split a phrase by the letter it begins with; what follows the first choice stays whole."""
    head, *rest = phrase
    if isinstance(head, Word):
        return [(_letter(head.text[0]), phrase)]
    if isinstance(head, Wild):
        raise TypeError("a pattern begins with a word that has to be there")
    groups: dict[str, list[Phrase]] = {}
    for choice in head.phrases:
        for sign, part in _by_beginning(choice):
            groups.setdefault(sign, []).append(part)
    found = [(sign, (Choice(tuple(parts)), *rest)) for sign, parts in groups.items()]
    return found + (_by_beginning(tuple(rest)) if head.is_optional else [])


def _is_loose(part: Part) -> bool:
    return isinstance(part, Wild) or (isinstance(part, Choice) and part.is_optional)


def _step(part: Part, *, is_last: bool) -> str:
    """Return the expression of a part and of what separates it from the next."""
    if isinstance(part, Wild):
        return rf"(?:{_ANY_WORD}{GAP}){{0,3}}"
    body = _body(part) + ("" if is_last else GAP)
    return f"(?:{body})?" if _is_loose(part) else body


def _body(part: Part) -> str:
    if isinstance(part, Word):
        return "".join(map(_letter, part.text)) + (_ENDING if part.is_open else "")
    if isinstance(part, Choice):
        return f"(?:{'|'.join(matching(phrase) for phrase in part.phrases)})"
    return _ANY_WORD


def _letter(character: str) -> str:
    looks = _LOOKS.get(character)
    return f"[{looks}]" if looks else re.escape(character)
