"""Vectors by hashing: words, pairs of them, and parts of words fall into places of a vector.

It needs no weights and knows no meaning: texts are near when they share words or parts of words,
in any script. Deterministic on every machine.
"""

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import pairwise
from typing import Final

from jobs.llms.provider import Embedded, OnStop, unstopped
from models.kernel.errors import UpstreamRefused

DIMENSIONS: Final = 384

_WORD: Final = re.compile(r"[^\W_]+")
_PARTS: Final = (3, 4, 5)
_WORD_WEIGHS: Final = 1.0
_PAIR_WEIGHS: Final = 0.5
_PART_WEIGHS: Final = 0.25


class Hashing:
    """The embedder without weights, `ilm-hashing`."""

    def embed(
        self,
        llm: str,
        texts: Sequence[str],
        dimensions: int | None,
        on_stop: OnStop = unstopped,
    ) -> Embedded:
        """Return a unit vector for each text; any number of dimensions, 384 unless told.

        A token is a word. Raises `UpstreamRefused` for less than one dimension.
        """
        del on_stop
        size = DIMENSIONS if dimensions is None else dimensions
        if size < 1:
            raise UpstreamRefused(f"{llm} has no vectors of {size} dimensions")
        words = [_WORD.findall(_folded(text)) for text in texts]
        return Embedded([_vector(each, size) for each in words], sum(map(len, words)))


def _folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def _vector(words: Sequence[str], size: int) -> list[float]:
    vector = [0.0] * size
    weights: defaultdict[str, float] = defaultdict(float)
    for feature, weight in _features(words):
        weights[feature] += weight
    for feature, weight in weights.items():
        digest = int.from_bytes(blake2b(feature.encode(), digest_size=8).digest(), "big")
        sign = 1.0 if digest & 1 else -1.0
        vector[(digest >> 1) % size] += sign * math.log1p(weight)
    length = math.sqrt(math.fsum(value * value for value in vector))
    if not length:
        vector[0] = length = 1.0
    return [value / length for value in vector]


def _features(words: Sequence[str]) -> Iterator[tuple[str, float]]:
    """Yield what a text is made of; the signs that mark a kind stand in no word."""
    for word in words:
        yield word, _WORD_WEIGHS
        marked = f"<{word}>"
        for length in _PARTS:
            for start in range(len(marked) - length + 1):
                yield f"#{marked[start : start + length]}", _PART_WEIGHS
    for first, second in pairwise(words):
        yield f"{first} {second}", _PAIR_WEIGHS
