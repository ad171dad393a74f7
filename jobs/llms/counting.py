"""Counting tokens without a vendor: for reserving and routing, and for what a cut leaves uncounted.

A vendor's own count always wins; a line that rests on this one says `estimated`. The rule is what
byte-pair vocabularies come to on prose: a short word is a token, a longer one a token per six
letters, a sign one, and of scripts without Latin letters two characters one.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from jobs.llms import attachments
from jobs.llms.provider import Message, text_of

LETTERS_A_TOKEN: Final = 6
PER_MESSAGE: Final = 4
PER_IMAGE: Final = 1_600
BRIEFLY: Final = "5m"
"""For how long a vendor caches what is marked without a word on that."""
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
    """Return about how many tokens a prompt is, with its tools, schemas, images and attachments."""
    return least_tokens(messages, options) + attachments.likely_tokens(messages)


def most_tokens(messages: Sequence[Message], options: Mapping[str, Any]) -> int:
    """Return how many tokens to pay for where a prompt is as long as it can be (CONTRACT §5)."""
    return reserved(least_tokens(messages, options)) + attachments.most_tokens(messages)


def least_tokens(messages: Sequence[Message], options: Mapping[str, Any]) -> int:
    """Return about how many tokens a prompt is without its attachments, whose size proves little.

    A window is judged by this: a scan of many megabytes may have few pages.
    """
    words = sum(count_tokens(text_of(message)) + PER_MESSAGE for message in messages)
    images = sum(_images(message) for message in messages)
    calls = [message["tool_calls"] for message in messages if message.get("tool_calls")]
    shapes = [options[name] for name in ("tools", "response_format") if options.get(name)]
    return words + images * PER_IMAGE + sum(count_tokens(json.dumps(s)) for s in calls + shapes)


def reserved(tokens: int) -> int:
    """Return how many tokens to reserve where so many are expected: half as many again."""
    return -(-tokens * SAFETY_NUMERATOR // SAFETY_DENOMINATOR)


def room_beside(prompt: int, window: int) -> int:
    """Return how long an answer may be beside a prompt, one token at the least (CONTRACT §5).

    Vendors refuse what is together longer than the window. It is what the window leaves if the
    prompt is as long as what is reserved for it; or half of what it likely leaves, if that is more.
    """
    return max(window - reserved(prompt), (window - prompt) // 2, 1)


def cached_for(messages: Sequence[Message], options: Mapping[str, Any]) -> frozenset[str]:
    """Return for how long a prompt's marks have its vendor cache it: `5m`, `1h`, or nothing."""
    found: set[str] = set()
    rest: list[Any] = [*messages, options]
    while rest:
        value = rest.pop()
        if isinstance(value, Mapping):
            rest.extend(value.values())
            mark = value.get("cache_control")
            if isinstance(mark, Mapping):
                found.add(str(mark.get("ttl") or BRIEFLY))
        elif isinstance(value, Sequence) and not isinstance(value, str):
            rest.extend(value)
    return frozenset(found)


def _images(message: Message) -> int:
    content = message.get("content")
    if not isinstance(content, Sequence) or isinstance(content, str):
        return 0
    return sum(isinstance(p, Mapping) and p.get("type") in attachments.PICTURES for p in content)
