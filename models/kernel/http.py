"""Calls to addresses that somebody outside this house has named (H-12, Z-03, SSRF).

By https, and to public addresses of the Internet only: every address of a name is looked at, one
of them is connected to, and who is at the other end is looked at again before a byte is sent. So a
name that means something else a moment later, or an address spelled oddly, leads nowhere. What
`ILM_EGRESS_ALLOW` lists may be reached too, by plain http as well. No redirect is followed, no
proxy used, no cookie kept, and answer and time are bounded as a whole.

Connections are kept for the next call to the same place, and a request is never sent twice.
"""

import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Final
from weakref import finalize

import requests
from requests.exceptions import InvalidHeader
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.exceptions import HTTPError

from models.kernel.clock import Clock, SystemClock
from models.kernel.errors import Invalid
from models.kernel.kept_lines import KeptLines
from models.kernel.lines import Dialler, Due, Reach, reached
from models.kernel.names import Names
from models.kernel.places import Gate, place_of
from models.kernel.release import VERSION
from models.kernel.settings import Network
from models.kernel.unanswered import Cause, NotAllowed, Unanswered, unanswered

SECONDS: Final = 10.0
NAME_SECONDS: Final = 2.0
"""For how long somebody who names an address is kept waiting for what its name means."""
MOST_BYTES: Final = 64 * 1_024

_OURS: Final = {"User-Agent": f"Ilm/{VERSION}", "Accept": "*/*", "Accept-Encoding": "identity"}
_PACKED: Final = frozenset({"gzip", "x-gzip", "deflate"})
_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What came back: status, headers (by names in any case), and as much of the body as is read.

    `is_cut` says that there was more of the body.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_cut: bool = False


class Egress:
    """Calls out; `allowed` are networks that may be reached although they are not public.

    Safe in threads. One is enough for a process: what it keeps open is its own.
    """

    def __init__(
        self,
        allowed: Sequence[Network] = (),
        *,
        clock: Clock | None = None,
        names: Names | None = None,
        authorities: str = "",
        reach: Reach = reached,
    ) -> None:
        """Take the networks of `ILM_EGRESS_ALLOW`.

        `authorities` is a file of certificates (PEM) to trust in place of the usual ones.
        """
        self._clock = clock or SystemClock()
        self._gate = Gate(allowed)
        self._kept = KeptLines(self._clock)
        self._dialler = Dialler(
            self._gate,
            names or Names(),
            self._clock,
            authorities=authorities or DEFAULT_CA_BUNDLE_PATH,
            reach=reach,
        )
        finalize(self, self._kept.close)

    def close(self) -> None:
        """Close what is kept open."""
        self._kept.close()

    def check(self, url: str) -> None:
        """Raise `NotAllowed` for an address that may not be called, whatever its name means now."""
        self._gate.check(place_of(url))

    def check_now(self, url: str) -> None:
        """Raise `NotAllowed` for an address whose name means now what may not be called, too.

        A name that means nothing, or is not found out in a short while, may mean something later.
        """
        place = place_of(url)
        self._gate.check(place)
        with suppress(OSError):
            self._dialler.look(place, Due(self._clock, NAME_SECONDS))

    def send(
        self,
        method: str,
        url: str,
        *,
        seconds: float = SECONDS,
        most: int = MOST_BYTES,
        cut: bool = False,
        **parts: Any,
    ) -> Answered:
        """Call once; `parts` are what `requests` takes (`headers`, `data`, `json`, …).

        Everything is over after `seconds`, whatever is waited for. With `cut`, an answer larger
        than `most` bytes is its first `most`; they are counted as they come and again unpacked.

        Raises `NotAllowed`; `Invalid` for a header that cannot be sent; `Unanswered` with its
        `cause`, `too_large` without `cut`.
        """
        place = place_of(url)
        self._gate.check(place)
        request = _request(method, url, place.authority, parts)
        due = Due(self._clock, seconds)
        try:
            line = self._kept.take(place) or self._dialler.dial(place, due)
            answer, body = line.asks(request, due, most)
        except UnicodeEncodeError as error:
            raise Invalid("a header has characters that none may have") from error
        except (OSError, HTTPException, HTTPError) as error:
            raise unanswered(error) from error
        if line.is_open:
            self._kept.keep(line)
        return _answered(answer.status, answer.headers, body, most=most, cut=cut)


def _request(
    method: str, url: str, authority: str, parts: Mapping[str, Any]
) -> requests.PreparedRequest:
    """Write a request out, with nothing of the environment in it."""
    headers = {"Host": authority, **_OURS, **(parts.get("headers") or {})}
    try:
        prepared = requests.Request(method, url, **{**parts, "headers": headers}).prepare()
    except InvalidHeader as error:
        raise Invalid("a header has characters that none may have") from error
    except (requests.RequestException, ValueError) as error:
        raise NotAllowed("this is no address") from error
    prepared.headers["Host"] = authority
    return prepared


def _answered(
    status: int, headers: Mapping[str, str], body: bytes, *, most: int, cut: bool
) -> Answered:
    whole = _unpacked(body, headers.get("Content-Encoding", ""), most + 1)
    is_cut = len(body) > most or len(whole) > most
    if is_cut and not cut:
        raise Unanswered.by(Cause.TOO_LARGE, f"the answer has more than {most} bytes")
    return Answered(status=status, headers=headers, body=whole[:most], is_cut=is_cut)


def _unpacked(body: bytes, coding: str, most: int) -> bytes:
    """Return no more than `most` bytes of what was packed; what does not is left as it is."""
    if coding.strip().lower() not in _PACKED or not body:
        return body
    try:
        return zlib.decompressobj(_GZIP_OR_ZLIB).decompress(body, most)
    except zlib.error:
        return body
