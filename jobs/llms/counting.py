"""Counting tokens without a vendor: for reserving and routing, and for what a cut leaves uncounted.

A vendor's own count always wins; a line that rests on this one says `estimated`. The rule is what
byte-pair vocabularies come to on prose: a short word is a token, a longer one a token per six
letters, a sign one, and of scripts without Latin letters two characters one.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from jobs.llms.provider import Message, text_of

LETTERS_A_TOKEN: Final = 6
PER_MESSAGE: Final = 4
PER_IMAGE: Final = 1_600
SAFETY_NUMERATOR: Final = 3
SAFETY_DENOMINATOR: Final = 2

_WORD: Final = re.compile(r"[A-Za-z0-9']+|[^\W\d_A-Za-z]+|[^\w\s]|_+")


def count_tokens(text: str) -> int:
    """Return about how many tokens a text is."""
    return sum(_size(word) for word in _WORD.findall(text))


def _size(word: str) -> int:
    if word[0].isascii():
        return -(-len(word) // LETTERS_A_TOKEN) if word[0].isalnum() else 1
    return -(-len(word) // 2)


def prompt_tokens(messages: Sequence[Message], options: Mapping[str, Any]) -> int:
    """Return about how many tokens a prompt is, with its tools, schemas and images."""
    words = sum(count_tokens(text_of(message)) + PER_MESSAGE for message in messages)
    images = sum(_images(message) for message in messages)
    calls = [message["tool_calls"] for message in messages if message.get("tool_calls")]
    shapes = [options[name] for name in ("tools", "response_format") if options.get(name)]
    return words + images * PER_IMAGE + sum(count_tokens(json.dumps(s)) for s in calls + shapes)


def reserved(tokens: int) -> int:
    """Return how many tokens to reserve where so many are expected: half as many again."""
    return -(-tokens * SAFETY_NUMERATOR // SAFETY_DENOMINATOR)


def _images(message: Message) -> int:
    content = message.get("content")
    if not isinstance(content, Sequence) or isinstance(content, str):
        return 0
    return sum(isinstance(p, Mapping) and p.get("type") == "image_url" for p in content)
