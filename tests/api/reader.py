"""Somebody at a browser with a key of their own, who uploads, reads and is refused."""

from hashlib import sha256
from itertools import count
from typing import Any, Final
from uuid import UUID

from falcon.testing import Result
from requests import Request

from models.accounts import Person
from models.kernel.ids import wire_id
from tests import factories
from tests.api.browser import Browser
from tests.documents import text_pdf

BOOK: Final = text_pdf("one fine page", "and another")
NAME: Final = "book.pdf"

_numbers = count()


class Reader:
    """A person, the headers that say so, and the requests they send."""

    def __init__(self, browser: Browser, person: Person | None = None, **key: Any) -> None:
        """Give somebody a key; `mode` and `scopes` are the key's."""
        self.person = person or factories.person()
        self.browser = browser
        text = f"ilm_{key.get('mode', 'live')}_reader{next(_numbers)}"
        factories.api_key(self.person, digest=sha256(text.encode()).digest(), **key)
        self.headers = {"Authorization": f"Bearer {text}"}

    @property
    def account_id(self) -> UUID:
        return UUID(str(self.person.account_id))

    def send(self, method: str, path: str, **options: Any) -> Result:
        headers = {**self.headers, **options.pop("headers", {})}
        return self.browser.request(method, path, headers=headers, **options)

    def get(self, path: str, **options: Any) -> Result:
        return self.send("GET", path, **options)

    def post(self, path: str, **options: Any) -> Result:
        return self.send("POST", path, **options)

    def patch(self, path: str, **options: Any) -> Result:
        return self.send("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> Result:
        return self.send("DELETE", path, **options)

    def upload(self, content: bytes = BOOK, name: str = NAME, **fields: Any) -> Result:
        """Upload a book; `headers` are further headers, other names are fields of the form."""
        headers = fields.pop("headers", {})
        return self.post("/v1/books", **form(content, name, headers, **{"title": "A", **fields}))

    def book(self, **given: Any) -> str:
        """Own a book that was uploaded before; return its path."""
        return path_of(factories.book(self.person, **given).id)


def path_of(book_id: UUID) -> str:
    return f"/v1/books/{wire_id('book', book_id)}"


def form(
    content: bytes | None, name: str = NAME, headers: dict[str, str] | None = None, **fields: str
) -> dict[str, Any]:
    """Return a multipart body of a file, if there is one, and fields; and the headers for it."""
    parts: list[Any] = [(field, (None, value)) for field, value in fields.items()]
    if content is not None:
        parts.append(("file", (name, content)))
    made = Request("POST", "http://here", files=parts).prepare()
    kind = {"Content-Type": str(made.headers["Content-Type"])}
    return {"body": made.body, "headers": {**kind, **(headers or {})}}


def written(disposition: bytes, content: bytes = BOOK) -> dict[str, Any]:
    """Write a multipart body by hand."""
    head = b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nA\r\n--b\r\n'
    body = head + disposition + b"\r\n\r\n" + content + b"\r\n--b--\r\n"
    return {"body": body, "headers": {"Content-Type": "multipart/form-data; boundary=b"}}
