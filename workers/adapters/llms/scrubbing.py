"""Taking keys and prompts out of a vendor's own words, so that they may be shown and logged."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from jobs.llms.provider import Request, text_of

MASK: Final = "***"
LONGEST: Final = 300
"""Characters of a vendor's words that are kept."""

ECHO: Final = 16
"""So many characters in a row that stand in the prompt too are an echo of it."""

_KEYS: Final = re.compile(
    r"\b(?:sk|gsk|xai|key|rk|pk)-[\w*.-]{4,}|\bAIza[\w-]{8,}|\bBearer\s+\S+", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Scrub:
    """Knows the key and the texts of a request, and shows neither."""

    key: str = field(repr=False)
    texts: tuple[str, ...] = field(repr=False)

    def __call__(self, words: str) -> str:
        """Return a vendor's words without them, on one line and not too long."""
        said = " ".join(words.split())[: LONGEST * 4]
        if self.key:
            said = said.replace(self.key, MASK)
        said = _KEYS.sub(MASK, said)
        for prompt in self.texts:
            said = _without_echo(said, " ".join(prompt.split()))
        return said if len(said) <= LONGEST else said[:LONGEST].rstrip() + "…"


def scrub_of(request: Request, key: str) -> Scrub:
    """Return the scrub of a request: what it says and what it was sent with."""
    said = [text_of(message) for message in request.messages]
    parts = _texts_in([*request.messages, request.options])
    return Scrub(key, (*said, *(part for part in parts if len(part) >= ECHO)))


def _texts_in(value: object) -> Iterable[str]:
    """Yield every text in a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts_in(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts_in(part)


def _without_echo(said: str, prompt: str) -> str:
    """Mask what stands in the prompt too: from `ECHO` characters on, or all of a shorter one."""
    least = min(ECHO, len(prompt))
    if least < ECHO // 2:
        return said
    kept, at = list[str](), 0
    while at < len(said):
        length = least
        if said[at : at + length] not in prompt or at + length > len(said):
            kept.append(said[at])
            at += 1
            continue
        while at + length < len(said) and said[at : at + length + 1] in prompt:
            length += 1
        kept.append(MASK)
        at += length
    return "".join(kept)
