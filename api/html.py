"""Pages of ours: a template with style and script inside, and a policy that allows just them."""

import base64
from hashlib import sha256
from importlib.resources import files
from typing import Final

from falcon import MEDIA_HTML
from falcon.asgi import Response

CACHE: Final = "public, max-age=300"


def asset(package: str, name: str) -> str:
    """Return a text that lies in a package beside the code."""
    return files(package).joinpath(name).read_text(encoding="utf-8")


def policy(style: str, script: str) -> str:
    """Allow exactly our own inline style and script, and fetching from ourselves."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}';"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def show(resp: Response, page: str, allowed: str) -> None:
    """Answer with a page and the policy it stands under."""
    resp.text = page
    resp.content_type = MEDIA_HTML
    resp.set_header("Content-Security-Policy", allowed)
    resp.set_header("Cache-Control", CACHE)


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}"
