"""Titles: what a chat is called after its first message, at no cost (M-07)."""

import re
from typing import Final

LONGEST: Final = 60

_MARKS: Final = re.compile(r"^[\s#>*`\-–—]+|[*`_]{1,3}")
_SENTENCE: Final = re.compile(r"(?<=[.!?؟。])\s+")


def title_of(message: str) -> str:
    """Return the first sentence of a message, cut between words; empty when there is none."""
    line = next((plain for each in message.splitlines() if (plain := _plain(each))), "")
    sentence = _SENTENCE.split(line)[0].rstrip(".。:;,")
    if len(sentence) <= LONGEST:
        return sentence
    cut = sentence[:LONGEST].rpartition(" ")[0] or sentence[: LONGEST - 1]
    return f"{cut.rstrip('.,:; ')}…"


def _plain(line: str) -> str:
    return " ".join(_MARKS.sub("", line).split())
