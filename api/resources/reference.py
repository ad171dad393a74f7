"""The reference: the OpenAPI document, the page that shows it, and a page for every error code."""

import json
from collections.abc import Callable
from functools import cached_property
from html import escape
from typing import Any, Final

from falcon import MEDIA_JSON
from falcon.asgi import Request, Response

from api import html
from api.problems import ErrorEntry, catalogue
from models.kernel.errors import NotFound

PACKAGE: Final = "api.reference"


class Reference:
    """Serves what describes this very process."""

    def __init__(self, describe: Callable[[], dict[str, Any]]) -> None:
        """Take what makes the OpenAPI document; it is asked once, when first wanted."""
        self._describe = describe
        style, script = _asset("style.css"), _asset("script.js")
        self._page = _asset("page.html").replace("{style}", style).replace("{script}", script)
        self._style = style
        self._policy = html.policy(style, script)

    def on_get_document(self, _req: Request, resp: Response) -> None:
        """Answer the OpenAPI document."""
        resp.data = self._document
        resp.content_type = MEDIA_JSON
        resp.set_header("Cache-Control", html.CACHE)

    def on_get_page(self, _req: Request, resp: Response) -> None:
        """Answer the page that shows it."""
        self._html(resp, self._page)

    def on_get_error(self, _req: Request, resp: Response, code: str) -> None:
        """Answer what an error code means and what to do about it."""
        entry = catalogue().get(code)
        if entry is None:
            raise NotFound("there is no such error code")
        body = _told(code, entry)
        self._html(
            resp, _asset("error.html").format(style=self._style, code=escape(code), body=body)
        )

    @cached_property
    def _document(self) -> bytes:
        return json.dumps(self._describe(), ensure_ascii=False).encode()

    def _html(self, resp: Response, page: str) -> None:
        html.show(resp, page, self._policy)


def _told(code: str, entry: ErrorEntry) -> str:
    again = "may succeed later" if entry.retry else "will fail again"
    rows = (
        ("Status", str(entry.status)),
        ("Category", entry.category),
        ("What happened", entry.meaning),
        ("What to do", entry.remedy),
        ("Trying again", f"The very same request {again}."),
    )
    cells = "".join(f"<dt>{name}</dt><dd>{_prose(text)}</dd>" for name, text in rows)
    return f"<h1><code>{escape(code)}</code></h1><p>{escape(entry.message)}</p><dl>{cells}</dl>"


def _prose(text: str) -> str:
    """Escape a text and set what stands between backticks as code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))


def _asset(name: str) -> str:
    return html.asset(PACKAGE, name)
