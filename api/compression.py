"""Compression of answers longer than 1 KB: brotli, gzip or deflate, as the client likes (G-06).

Streams go out as they come, and what is compressed by its kind, such as an image, stays as it is.
"""

import asyncio
import gzip
import zlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import brotli
from falcon.asgi import Request, Response

LEAST_BYTES: Final = 1024
THREAD_BYTES: Final = 64 * 1024
"""From this size on a thread compresses, so that no stream waits for it."""

COMPRESSIBLE: Final = ("text/", "application/json", "application/x-jsonl", "application/xml")
BODILESS: Final = frozenset({204, 304})

_BROTLI_QUALITY: Final = 4
_ZLIB_LEVEL: Final = 5


def _brotli(body: bytes) -> bytes:
    packed: bytes = brotli.compress(body, quality=_BROTLI_QUALITY)
    return packed


def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, _ZLIB_LEVEL, mtime=0)


def _deflate(body: bytes) -> bytes:
    return zlib.compress(body, _ZLIB_LEVEL)


CODINGS: Final[Mapping[str, Callable[[bytes], bytes]]] = MappingProxyType(
    {"br": _brotli, "gzip": _gzip, "deflate": _deflate}
)
"""The codings there are, the one that packs best first."""


class Compression:
    """Packs bodies on their way out, as Falcon middleware."""

    async def process_response(
        self, req: Request, resp: Response, _resource: object, _succeeded: object
    ) -> None:
        """Pack the body if it is long enough and the client takes it packed."""
        if resp.stream is not None or resp.sse is not None or resp.status_code in BODILESS:
            return
        body = await resp.render_body()
        if body is None or len(body) <= LEAST_BYTES or not _is_compressible(resp):
            return
        resp.append_header("Vary", "Accept-Encoding")
        coding = preferred(req.get_header("Accept-Encoding") or "")
        if coding is None:
            return
        pack = CODINGS[coding]
        packed = await asyncio.to_thread(pack, body) if len(body) > THREAD_BYTES else pack(body)
        resp.text, resp.data = None, packed
        resp.set_header("Content-Encoding", coding)


def preferred(accepted: str) -> str | None:
    """Return the coding a client likes best of ours, the best of those liked the same; or None."""
    weights = dict(_weighed(part) for part in accepted.lower().split(",") if part.strip())
    rest = weights.get("*", 0.0)
    liked = {name: weights.get(name, rest) for name in CODINGS}
    best = max(liked, key=lambda name: liked[name])
    plain = weights.get("identity", 0.0)
    return best if liked[best] > 0 and liked[best] >= plain else None


def _weighed(part: str) -> tuple[str, float]:
    """Read `gzip;q=0.5`; a weight that cannot be read is none."""
    name, _, weight = part.partition(";")
    _, _, digits = weight.partition("q=")
    try:
        return name.strip(), float(digits) if digits else 1.0
    except ValueError:
        return name.strip(), 0.0


def _is_compressible(resp: Response) -> bool:
    kind = (resp.content_type or "").lower()
    return kind.startswith(COMPRESSIBLE) and resp.get_header("Content-Encoding") is None
