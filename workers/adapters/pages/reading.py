"""The words of a page. Only the child imports this."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from workers.adapters.pages.engine import pymupdf
from workers.adapters.pages.opening import clean, facts_of, open_document
from workers.adapters.pages.tasks import Answer, Document, Message, tried

MOST_WORDS: Final = 20_000
MOST_CHARACTERS: Final = 1_000_000

_FLAGS: Final = (
    pymupdf.TEXT_PRESERVE_WHITESPACE
    | pymupdf.TEXT_MEDIABOX_CLIP
    | pymupdf.TEXT_DEHYPHENATE
    | pymupdf.TEXT_CID_FOR_UNKNOWN_UNICODE
)


def serve(task: Message, _lines: Iterator[Message], answer: Answer) -> None:
    """Answer with the document's facts and then with every page from the one asked for."""
    asked = Document.described(task)
    document = open_document(asked)
    answer({"facts": facts_of(asked, document)})
    for number in range(task["first"], len(document) + 1):
        answer(tried(number, asked.page_seconds, partial(read_page, document, number)))
    answer({"done": True})


def read_page(document: Any, number: int) -> Message:
    """Return the size, the text and the boxed words of a page, past a bound cut off."""
    page = document.load_page(number - 1)
    rect = page.rect
    textpage = page.get_textpage(flags=_FLAGS)
    words = textpage.extractWORDS()
    return {
        "page": number,
        "size": (rect.width, rect.height),
        "text": clean(textpage.extractText(), MOST_CHARACTERS),
        "words": [
            (clean(text, 500), round(x0, 1), round(y0, 1), round(x1, 1), round(y1, 1))
            for x0, y0, x1, y1, text, *_ in words[:MOST_WORDS]
        ],
    }
