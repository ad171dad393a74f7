"""A moderation endpoint in OpenAI's shape, behind the port `Moderator`."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from openai import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    OpenAI,
    OpenAIError,
    Timeout,
)

from jobs.safety.rules import Hit
from jobs.safety.screen import Verdict, acted_on, verdict_on
from models.catalogue.reader import read
from models.kernel.errors import (
    IlmError,
    UpstreamError,
    UpstreamKeyRefused,
    UpstreamRateLimited,
    UpstreamTimeout,
)
from models.lexicon import HIGH, ILLEGAL, LOW
from workers.adapters.llms.shapes import mapping, mappings

USUAL: Final = "omni-moderation-latest"

_FAULTS: Final[dict[int, type[UpstreamError]]] = {
    401: UpstreamKeyRefused,
    403: UpstreamKeyRefused,
    429: UpstreamRateLimited,
}
_LANGUAGE: Final = "en"
"""Of the words for who is warned: an endpoint does not say in what language it was hit."""


class ModerationEndpoint:
    """Asks an endpoint about one text a call. It judges the whole and marks no part of it."""

    def __init__(self, address: str, key: str, *, model: str = USUAL, seconds: float = 5.0) -> None:
        """Take the address (it ends where `/moderations` begins), the key, and the patience."""
        timeout = Timeout(seconds, connect=min(seconds, 5.0))
        self._client = OpenAI(base_url=address, api_key=key, max_retries=0, timeout=timeout)
        self._model = model

    def moderate(self, text: str, strictness: str) -> Verdict:
        """Return what follows for a text; raise `UpstreamError`, its kin, or `UpstreamTimeout`."""
        flags = acted_on(list(_hits(self._asked(text), len(text))), strictness)
        return verdict_on(text, flags)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _asked(self, text: str) -> Mapping[str, Any]:
        """Return the first result; what is raised stands alone, since theirs may quote the text."""
        try:
            raw = self._client.moderations.with_raw_response.create(model=self._model, input=text)
            found = mappings(mapping(json.loads(raw.content)).get("results"))
        except OpenAIError as error:
            fault = _fault_of(error)
        except ValueError:
            fault = UpstreamError("the moderation endpoint answered what is no JSON")
        else:
            if found and mapping(found[0].get("categories")):
                return found[0]
            fault = UpstreamError("the moderation endpoint judged nothing")
        raise fault


def _hits(result: Mapping[str, Any], length: int) -> Iterator[Hit]:
    """Yield a hit over the whole text for each category that is flagged or suspicious."""
    known, suspicious = _table()
    scores = mapping(result.get("category_scores"))
    for name, is_flagged in mapping(result.get("categories")).items():
        category, severity = known.get(name, (ILLEGAL, HIGH))
        score = scores.get(name)
        if is_flagged or (isinstance(score, int | float) and score >= suspicious):
            yield Hit(
                category=category,
                severity=severity if is_flagged else LOW,
                language=_LANGUAGE,
                start=0,
                end=length,
            )


@cache
def _table() -> tuple[dict[str, tuple[str, str]], float]:
    entry = read("safety/moderation")
    known = {name: (e["category"], e["severity"]) for name, e in entry["categories"].items()}
    return known, float(entry["suspicious"])


def _fault_of(error: OpenAIError) -> IlmError:
    if isinstance(error, APITimeoutError):
        return UpstreamTimeout("the moderation endpoint did not answer in time")
    if isinstance(error, APIConnectionError):
        return UpstreamError("the moderation endpoint cannot be reached")
    if isinstance(error, APIStatusError):
        kind = _FAULTS.get(error.status_code, UpstreamError)
        return kind(f"the moderation endpoint answered {error.status_code}")
    return UpstreamError("the moderation endpoint could not be asked")
