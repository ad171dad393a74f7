"""Masking: what must not leave a process is replaced on its way out, in logs and reports (Z-07).

The last defence and not the first: nobody logs a secret on purpose. A value goes by the name of its
field, or where its text has the shape of one, however deep in what is logged it stands.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

MASK: Final = "***"

_DEEPEST: Final = 6
_NAMES: Final = re.compile(
    r"(?:pass(?:word|wd|phrase)?|secret|token|authorization|cookie|api[-_]?key|private[-_]?key"
    r"|e?mail|prompt|dsn)$",
    re.IGNORECASE,
)
_SHAPES: Final = re.compile(
    r"""(?s:-----BEGIN\ [A-Z ]*PRIVATE\ KEY-----.*?(?:-----END\ [A-Z ]*-----|\Z))
      | (?<=://)[^/\s:@]*:[^/\s@]+(?=@)                      # credentials in an address
      | [\w.+-]+(?:@|%40)[\w-]+\.[\w.-]*\w                   # an e-mail address
      | (?<![a-z0-9])[a-z][a-z0-9]{1,15}_(?:live|test)_[\w-]{8,}   # our keys, of any brand
      | \bil[rdocs]_[\w-]{8,}                                # our tokens
      | \b(?:sk|xai|gsk|pplx|hf|whsec)[-_][\w-]{8,}          # keys of vendors
      | \bAIza[\w-]{30,} | \b(?:AKIA|ASIA)[A-Z0-9]{16}\b
      | \beyJ[\w-]+\.[\w-]+\.[\w-]*                          # a JWT
      | (?i:(?<=\bbearer\ )|(?<=\bbasic\ ))[\w.~+/-]{8,}=*
      | (?i:(?<=password=)|(?<=secret=)|(?<=token=)|(?<=api_key=)|(?<=apikey=))[^\s&;,"']+
      | (?i:(?<=password['"]:\ ['"])|(?<=token['"]:\ ['"])|(?<=api_key['"]:\ ['"]))[^'"]+
    """,
    re.VERBOSE,
)
_MARKS: Final = re.compile(
    r"@|%40|il[rdocs]_|_live_|_test_|sk[-_]|xai-|gsk_|pplx-|hf_|whsec_|AIza|AKIA|ASIA|eyJ"
    r"|PRIVATE KEY|(?i:bearer |basic |password|secret=|token['=\"]|api_?key)"
)
"""What every shape has in it: a text without any is not looked at further."""


def masked_text(text: str) -> str:
    """Return a text without the secrets that are to be seen in it."""
    return _SHAPES.sub(MASK, text) if _MARKS.search(text) else text


def masked_field(name: str, value: Any) -> Any:
    """Return what may be told of a field: nothing of one that is secret by its name."""
    return MASK if _is_secret(name) else masked_value(value)


def masked_value(value: Any, depth: int = _DEEPEST) -> Any:
    """Return a value with every text in it masked; what is too deep to look at is masked whole.

    What is no number, text or collection is told by its text, for that is what would be written.
    """
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return masked_text(value)
    if depth == 0:
        return MASK
    if isinstance(value, Mapping):
        return {
            masked_text(str(name)): (
                MASK if _is_secret(str(name)) else masked_value(each, depth - 1)
            )
            for name, each in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [masked_value(each, depth - 1) for each in value]
    return masked_text(str(value))


@lru_cache(1_024)
def _is_secret(name: str) -> bool:
    return _NAMES.search(name) is not None
