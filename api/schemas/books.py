"""Books and pages on the wire."""

import json
from typing import Any, Final

from marshmallow import ValidationError, fields, validate

from api.schemas.lists import AnyOf, PageQuery, Pagination, Sort
from api.schemas.wire import (
    SELDOM,
    FileField,
    Flag,
    Id,
    Line,
    Moment,
    Wire,
    example_id,
    example_link,
    strict_json,
)
from models.books import VISIBILITIES
from models.catalogue.reader import read
from models.kernel.ids import wire_id

CATEGORIES: Final[tuple[str, ...]] = tuple(read("categories")["categories"])
LONGEST_DESCRIPTION: Final = 10_000
MOST_METADATA: Final = 20_000

_ISBN: Final = r"^(97[89])?\d{9}[\dX]$"
_LANGUAGE: Final = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$"


_BOOK: Final = f"/v1/books/{example_id('book')}"
_THUMBNAIL: Final = example_link(f"{_BOOK}/pages/thumbnail/1.jpg")
_MEDIUM: Final = example_link(f"{_BOOK}/pages/medium/1.jpg")
_COVER: Final = example_link(f"{_BOOK}/covers/{'9c' * 32}.jpg")


class Isbn(Line):
    """An ISBN of 10 or 13 digits with its check digit (ISO 2108); hyphens are dropped."""

    def __init__(self, **options: Any) -> None:
        """Bound its length."""
        super().__init__(most=20, **options)

    def _deserialize(self, value: Any, *rest: Any, **options: Any) -> str:
        text = super()._deserialize(value, *rest, **options)
        digits = text.replace("-", "").replace(" ", "").upper()
        validate.Regexp(_ISBN, error="Not an ISBN of 10 or 13 digits.")(digits)
        if not _checks(digits):
            raise ValidationError("The check digit of this ISBN is wrong.")
        return digits


def _checks(digits: str) -> bool:
    values = [10 if digit == "X" else int(digit) for digit in digits]
    if len(values) == len("0306406152"):
        return sum(v * w for v, w in zip(values, range(10, 0, -1), strict=True)) % 11 == 0
    weights = (1, 3) * 6 + (1,)
    return "X" not in digits and sum(map(int.__mul__, values, weights)) % 10 == 0


class Metadata(fields.Dict):
    """Custom fields: a JSON object of bounded size; in a form, the text of one."""

    def _deserialize(self, value: Any, *rest: Any, **options: Any) -> Any:
        if isinstance(value, str):
            try:
                value = strict_json(value)
            except (ValueError, RecursionError) as error:
                raise ValidationError("Not a JSON object.") from error
        mapping = super()._deserialize(value, *rest, **options)  # type: ignore[no-untyped-call]  # theirs
        if len(json.dumps(mapping)) > MOST_METADATA:
            raise ValidationError(f"Longer than {MOST_METADATA} characters of JSON.")
        return mapping


class Text(fields.String):
    """Text of several lines and bounded length."""

    def __init__(self, *, most: int, **options: Any) -> None:
        """Take the bound in characters."""
        super().__init__(validate=validate.Length(max=most), **options)


class BookDetails(Wire):
    """What an owner says of a book (K-07)."""

    author = Line(most=300, allow_none=True, metadata={"example": "Virginia Woolf"})
    description = Text(
        most=LONGEST_DESCRIPTION,
        allow_none=True,
        metadata={"example": "A young woman sails to South America."},
    )
    category = fields.String(
        validate=validate.OneOf(CATEGORIES), allow_none=True, metadata={"example": "Fiction"}
    )
    language = fields.String(
        validate=validate.Regexp(_LANGUAGE, error="Not a language tag such as en or ar-EG."),
        allow_none=True,
        metadata={"example": "en"},
    )
    isbn = Isbn(allow_none=True, metadata={"example": "978-0-306-40615-7"})
    metadata = Metadata(metadata={"example": {"shelf": "A3"}})


class NewBookForm(BookDetails):
    """The fields of an upload, beside the file."""

    title = Line(required=True, most=500, metadata={"example": "The Voyage Out"})
    visibility = fields.String(
        load_default="private",
        validate=validate.OneOf(VISIBILITIES),
        metadata={"example": "private"},
    )


class NewBookUpload(NewBookForm):
    """The whole upload, as the reference describes it."""

    file = FileField(
        required=True,
        metadata={"type": "string", "format": "binary", "example": "(the bytes of voyage.pdf)"},
    )


class BookChanges(BookDetails):
    """What may be changed later."""

    title = Line(most=500)
    visibility = fields.String(validate=validate.OneOf(VISIBILITIES))


class BookErrorSchema(Wire):
    """Why a book cannot be read."""

    code = fields.String(metadata={"example": "DOCUMENT_ENCRYPTED"})
    message = fields.String(allow_none=True, metadata={"example": "The document wants a password."})


class BookSchema(Wire):
    """A book."""

    id = Id("book")
    title = fields.String(metadata={"example": "The Voyage Out"})
    author = fields.String(allow_none=True, metadata={"example": "Virginia Woolf"})
    description = fields.String(
        allow_none=True, metadata={"example": "A young woman sails to South America."}
    )
    category = fields.String(allow_none=True, metadata={"example": "Fiction"})
    language = fields.String(allow_none=True, metadata={"example": "en"})
    isbn = fields.String(allow_none=True, metadata={"example": "9780306406157"})
    metadata = fields.Dict(metadata={"example": {"shelf": "A3"}})
    visibility = fields.String(metadata={"example": "private"})
    owner_id = Id("user")
    page_count = fields.Integer(allow_none=True, metadata={"example": 312})
    format = fields.String(metadata={"example": "pdf"})
    file_size = fields.Integer(metadata={"example": 4_812_331})
    text_status = fields.String(metadata={"example": "completed"})
    pages_status = fields.String(metadata={"example": "completed"})
    cover_url = fields.String(
        allow_none=True,
        metadata={"example": _MEDIUM},
    )
    error = fields.Nested(BookErrorSchema, metadata={SELDOM: True})
    created_at = Moment()
    updated_at = Moment()


class BookQuery(PageQuery):
    """Which books to list (G-13)."""

    category = AnyOf(*CATEGORIES)
    language = AnyOf()
    visibility = AnyOf(*VISIBILITIES)
    format = AnyOf("pdf", "epub", "mobi", "txt")
    mine = Flag(text=True, load_default=False)
    sort = Sort("created_at", "updated_at", "title", load_default=None, allow_none=True)


class DimensionsSchema(Wire):
    """A size: points for pages, pixels for images."""

    width = fields.Float(metadata={"example": 612.0})
    height = fields.Float(metadata={"example": 792.0})


class TiersSchema(Wire):
    """One value for each tier that exists; null for one still to be drawn."""

    thumbnail = fields.Raw(allow_none=True, metadata={"example": 14_200})
    medium = fields.Raw(allow_none=True, metadata={"example": 96_400})
    high_res = fields.Raw(allow_none=True, metadata={"example": None})
    ultra = fields.Raw(allow_none=True, metadata={"example": None})


class PageSchema(Wire):
    """One page and where its images are (P-03)."""

    page_number = fields.Integer(metadata={"example": 1})
    dimensions = fields.Nested(DimensionsSchema)
    urls = fields.Nested(
        TiersSchema,
        metadata={
            "example": {"thumbnail": _THUMBNAIL, "medium": _MEDIUM, "highRes": None, "ultra": None}
        },
    )
    file_sizes = fields.Nested(TiersSchema)
    clamped = fields.List(fields.String(), metadata={SELDOM: True})


class PagesMetadata(Wire):
    """How the whole of the pages stands."""

    total_pages = fields.Integer(allow_none=True, metadata={"example": 312})
    generation_status = fields.String(metadata={"example": "completed"})


class PagesSchema(Wire):
    """Some of the pages, and how the whole of them stands."""

    data = fields.List(fields.Nested(PageSchema))
    pagination = fields.Nested(Pagination)
    metadata = fields.Nested(PagesMetadata)


class PagesQuery(PageQuery):
    """Which pages and tiers to list."""

    resolution = fields.String(
        load_default=None,
        validate=validate.OneOf(["thumbnail", "medium", "high-res", "highRes", "ultra"]),
    )


class GenerateWish(Wire):
    """How to draw the pages: what is missing, or all of them anew."""

    again = Flag(load_default=False)


class GenerationProgress(Wire):
    """How many pages are drawn."""

    total_pages = fields.Integer(metadata={"example": 312})
    completed_pages = fields.Integer(metadata={"example": 156})
    viewable_pages = fields.Integer(metadata={"example": 156})
    failed_pages = fields.Integer(metadata={"example": 0})
    percentage = fields.Integer(metadata={"example": 50})


class CurrentJob(Wire):
    """The job that draws, while it does."""

    id = Id("job")
    started_at = Moment(allow_none=True)
    estimated_completion = Moment(allow_none=True, metadata={"example": "2026-11-20T12:01:00.000Z"})


class GenerationSchema(Wire):
    """How far the drawing is (P-07)."""

    status = fields.String(metadata={"example": "processing"})
    progress = fields.Nested(GenerationProgress)
    current_job = fields.Nested(CurrentJob, allow_none=True)
    failed_page_numbers = fields.List(fields.Integer(), metadata={"example": []})


class CoverSchema(Wire):
    """The cover readers see (P-09)."""

    book_id = Id("book")
    url = fields.String(metadata={"example": _COVER})
    is_custom = fields.Boolean(metadata={"example": True})
    dimensions = fields.Nested(
        DimensionsSchema, metadata={"example": {"width": 800, "height": 1200}}
    )
    file_size = fields.Integer(metadata={"example": 188_200})
    mime_type = fields.String(metadata={"example": "image/jpeg"})


class CoverForm(Wire):
    """An uploaded cover: JPEG, PNG or WebP, 10 MB at most."""

    file = FileField(
        required=True,
        metadata={"type": "string", "format": "binary", "example": "(the bytes of cover.png)"},
    )


class SignedQuery(Wire):
    """What makes a signed address good."""

    expires = fields.Integer(required=True)
    signature = fields.String(required=True, validate=validate.Length(max=100))


def book_path(book_id: Any) -> str:
    """Return the path of a book."""
    return f"/v1/books/{wire_id('book', book_id)}"
