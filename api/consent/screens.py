"""Screens: HTML made of templates in which every value is escaped, and what guards them.

No script runs, nothing is fetched, nobody frames them; a form is posted here alone, and may end at
the one app that asks.
"""

import base64
from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template
from typing import Final

from falcon import MEDIA_HTML
from falcon.asgi import Response

_REFUSED: Final = "This did not work"


def show(
    resp: Response,
    name: str,
    title: str,
    values: Mapping[str, str],
    *,
    ends_at: str = "",
    **parts: str,
) -> None:
    """Answer with a screen. Values are escaped, parts are HTML; `ends_at` is an app's origin."""
    texts = {key: escape(value) for key, value in values.items()}
    body = Template(_asset(f"{name}.html")).substitute(texts, **parts)
    frame = Template(_asset("frame.html"))
    resp.text = frame.substitute(title=escape(title), style=_asset("style.css"), body=body)
    resp.content_type = MEDIA_HTML
    resp.set_header("Content-Security-Policy", _policy(ends_at))
    resp.set_header("X-Frame-Options", "DENY")
    resp.set_header("Cache-Control", "no-store")


def refuse(resp: Response, words: str, back: str) -> None:
    """Answer with why something did not work, and the way back, if there is one."""
    link = f'<p><a href="{escape(back)}">Try again</a></p>' if back else ""
    show(resp, "refusal", _REFUSED, {"words": words}, back=link)


def hidden(values: Mapping[str, str]) -> str:
    """Return values as fields of a form that nobody sees."""
    return "\n".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in values.items()
    )


def items(texts: Iterable[str]) -> str:
    """Return texts as the items of a list."""
    return "".join(f"<li>{escape(text)}</li>" for text in texts)


@cache
def _asset(name: str) -> str:
    return files("api.consent").joinpath(name).read_text(encoding="utf-8")


def _policy(ends_at: str) -> str:
    digest = base64.b64encode(sha256(_asset("style.css").encode()).digest()).decode()
    target = f"'self' {ends_at}".strip()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action {target};"
        " base-uri 'none'; frame-ancestors 'none'"
    )
