"""The sandbox vendor: a real, deterministic, offline answerer (ARCHITECTURE §7).

It picks the passages of its context that answer the question best and quotes them with their
pages. It invents nothing: every sentence is the book's, or says that there is none.
"""

import re
from collections.abc import Iterator
from typing import Final

from jobs.llms.passages import Passage, best_passages, from_context, terms_of
from jobs.llms.provider import (
    Delta,
    Finish,
    Message,
    OnStop,
    Piece,
    Request,
    Tokens,
    text_of,
)

MOST_QUOTES: Final = 3
LONGEST_QUOTE: Final = 60
"""Words of one quotation."""

_TOKEN: Final = re.compile(r"\w+|[^\w\s]")
_PIECE: Final = re.compile(r"\S+\s*")


class Extractive:
    """Answers from what it is given, at no cost."""

    def stream(self, request: Request, on_stop: OnStop) -> Iterator[Piece]:
        """Yield the answer word by word, and the count of tokens."""
        del on_stop  # nothing to stop: the answer is there at once
        answer = answer_to(request.messages)
        asked = sum(count_tokens(text_of(message)) for message in request.messages)
        sent = 0
        for piece in _PIECE.findall(answer):
            size = count_tokens(piece)
            if sent + size > request.max_tokens:
                yield Finish("length", Tokens(input=asked, output=sent))
                return
            sent += size
            yield Delta(piece)
        yield Finish("stop", Tokens(input=asked, output=sent))


def answer_to(messages: tuple[Message, ...]) -> str:
    """Return the answer to the last question, from the passages in the system messages."""
    question = next((text_of(m) for m in reversed(messages) if m.get("role") == "user"), "")
    context = "\n\n".join(text_of(m) for m in messages if m.get("role") == "system")
    passages = from_context(context)
    if not passages:
        return (
            "I am the sandbox model: I only quote from a book, and none was given. "
            f"You asked: {' '.join(question.split())}"
        )
    chosen = best_passages(passages, question, MOST_QUOTES)
    if not chosen:
        return "The passages of the book that I was given do not answer this."
    quotes = " ".join(f'"{_quote(p, question)}" [p. {p.page}].' for p in chosen)
    return f"The book answers this in its own words: {quotes}"


def count_tokens(text: str) -> int:
    """Count words and signs: this vendor's own meter."""
    return len(_TOKEN.findall(text))


def _quote(passage: Passage, question: str) -> str:
    """Return the part of a passage around the question's words, without quotation marks in it."""
    words = re.split(r"\s+", re.sub(r"[\"“”«»]", " ", passage.text).strip())
    if len(words) <= LONGEST_QUOTE:
        return " ".join(words)
    terms = set(terms_of(question))
    hits = [i for i, word in enumerate(words) if terms & set(terms_of(word))]
    start = max(0, (hits[0] if hits else 0) - LONGEST_QUOTE // 4)
    return " ".join(words[start : start + LONGEST_QUOTE])
