"""A moderation endpoint in OpenAI's shape, behind the port `Moderator`.

It is asked without its vendor's SDK: web asks it too, and loads none.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, Final

import requests

from jobs.safety.rules import Hit
from jobs.safety.screen import Verdict, acted_on, verdict_on
from models.catalogue.reader import read
from models.kernel.errors import (
    UpstreamError,
    UpstreamKeyRefused,
    UpstreamRateLimited,
    UpstreamRefused,
    UpstreamTimeout,
)
from models.lexicon import HIGH, ILLEGAL, LOW

USUAL: Final = "omni-moderation-latest"
SECONDS: Final = 3.0
"""Longest that anybody waits for a verdict, however slowly it comes."""
CONNECT_SECONDS: Final = 1.0
LONGEST_PIECE: Final = 10_000
"""Characters of one text; a longer one is judged in pieces, in one call."""
MOST_AT_ONCE: Final = 32

_FAULTS: Final[Mapping[int, type[UpstreamError]]] = {
    401: UpstreamKeyRefused,
    403: UpstreamKeyRefused,
    429: UpstreamRateLimited,
}
_TOO_MUCH: Final = frozenset({400, 413, 422})
"""What it answers to a text that it does not judge."""
_LANGUAGE: Final = "en"
"""Of the words for who is warned: an endpoint does not say in what language it was hit."""


class ModerationEndpoint:
    """Asks an endpoint about one text a call. It judges the whole and marks no part of it."""

    def __init__(
        self, address: str, key: str = "", *, model: str = USUAL, seconds: float = SECONDS
    ) -> None:
        """Take the address (it ends where `/moderations` begins), the key, and the patience."""
        self._address = f"{address.rstrip('/')}/moderations"
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._model = model
        self._seconds = seconds
        self._session = requests.Session()
        self._session.trust_env = False
        self._pool = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="moderation")

    def moderate(self, text: str, strictness: str) -> Verdict:
        """Return what follows for a text.

        Raises `UpstreamError` and its kin, `UpstreamTimeout`, and `UpstreamRefused` for a text
        that the endpoint does not judge.
        """
        pieces = [text[at : at + LONGEST_PIECE] for at in range(0, len(text), LONGEST_PIECE)]
        results = self._results(pieces) if pieces else ()
        hits = [hit for result in results for hit in _hits(result, len(text))]
        return verdict_on(text, acted_on(hits, strictness))

    def close(self) -> None:
        """Close the connections; who still waits is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._session.close()

    def _results(self, pieces: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """Return a result a piece; what is raised stands alone, since theirs may quote the text."""
        future = self._pool.submit(self._posted, pieces)
        try:
            status, body = future.result(self._seconds)
        except (TimeoutError, requests.Timeout):
            future.cancel()
            status, body = 0, b""
        except requests.RequestException:
            status, body = -1, b""
        if status != requests.codes.ok:
            raise _fault_of(status)
        return _read(body, len(pieces))

    def _posted(self, pieces: Sequence[str]) -> tuple[int, bytes]:
        answer = self._session.post(
            self._address,
            json={"model": self._model, "input": pieces},
            headers=self._headers,
            timeout=(CONNECT_SECONDS, self._seconds),
            allow_redirects=False,
        )
        return answer.status_code, answer.content


def _read(body: bytes, count: int) -> Sequence[Mapping[str, Any]]:
    """Return the results; raise `UpstreamError` unless there is one for each piece."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    results = told.get("results") if isinstance(told, dict) else None
    found = [_mapping(result) for result in results] if isinstance(results, list) else []
    if len(found) != count or not all(_mapping(result.get("categories")) for result in found):
        raise UpstreamError("the moderation endpoint judged nothing")
    return found


def _hits(result: Mapping[str, Any], length: int) -> Iterator[Hit]:
    """Yield a hit over the whole text for each category that is flagged or suspicious."""
    known, suspicious = _table()
    scores = _mapping(result.get("category_scores"))
    for name, is_flagged in _mapping(result.get("categories")).items():
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


def _fault_of(status: int) -> UpstreamError | UpstreamTimeout | UpstreamRefused:
    """Return our error for a status; 0 is none in time, less is none at all."""
    if not status:
        return UpstreamTimeout("the moderation endpoint did not answer in time")
    if status < 0:
        return UpstreamError("the moderation endpoint cannot be reached")
    if status in _TOO_MUCH:
        return UpstreamRefused(f"the moderation endpoint answered {status}")
    kind = _FAULTS.get(status, UpstreamError)
    return kind(f"the moderation endpoint answered {status}")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
