"""ETags of reads: who asks again for what has not changed is told so without the body (G-25).

The tag is weak, since the same answer may go out packed in several ways. What carries one may be
kept by its reader alone, who asks each time whether it still holds.
"""

from hashlib import blake2b
from typing import Final

import falcon
from falcon.asgi import Request, Response

READS: Final = frozenset({"GET", "HEAD"})
KEPT_BY_READER: Final = "private, no-cache"

OK: Final = 200

_TAG_BYTES: Final = 12


class Etags:
    """Tags whole answers to reads, as Falcon middleware; what tags itself is left alone."""

    async def process_response(
        self, req: Request, resp: Response, _resource: object, _succeeded: object
    ) -> None:
        """Tag an answer, or say that the reader has it already."""
        if req.method not in READS or resp.status_code != OK:
            return
        if resp.stream is not None or resp.sse is not None or resp.get_header("ETag"):
            return
        body = await resp.render_body()
        if not body:
            return
        tag = f'W/"{blake2b(body, digest_size=_TAG_BYTES).hexdigest()}"'
        resp.set_header("ETag", tag)
        if resp.get_header("Cache-Control") is None:
            resp.set_header("Cache-Control", KEPT_BY_READER)
        if is_among(tag, req.get_header("If-None-Match") or ""):
            resp.status = falcon.HTTP_304
            resp.text = resp.data = resp.media = None


def is_among(tag: str, asked: str) -> bool:
    """Say whether a header If-None-Match names a tag, by weak comparison (RFC 9110 §13.1.2)."""
    wanted = tag.removeprefix("W/")
    return any(each.strip().removeprefix("W/") in {wanted, "*"} for each in asked.split(","))
