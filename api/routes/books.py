"""The routes of books, their pages and covers."""

from functools import partial
from typing import Any, Final

from api.endpoints import PUBLIC, Endpoint
from api.examples.jobs import queued
from api.live.books import BookUploads, CoverUploads
from api.live.images import JPEG, Images
from api.live.uploads import Receiver
from api.parts import Parts
from api.resources.books import Books
from api.resources.covers import Covers
from api.resources.pages import Pages
from api.schemas import books as shapes
from api.schemas.jobs import JobSchema
from api.schemas.lists import page_of
from jobs.pages.generate import GeneratePages
from jobs.pages.renderer import Tier
from models.kernel.errors import (
    Forbidden,
    NotFound,
    PayloadTooLarge,
    RateLimitExceeded,
    ResourceDeleted,
    UnsupportedMediaType,
)

UPLOAD_SECONDS: Final = 3_600
GONE: Final = (NotFound, ResourceDeleted)
OWNERS: Final = (*GONE, Forbidden)


def book_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints of books."""
    return (*_books(parts), *_pages(parts), *_covers(parts), *_images(parts))


def _books(parts: Parts) -> tuple[Endpoint, ...]:
    books = Books(parts.queue, parts.links, parts.shelf, parts.clock)
    uploads = BookUploads(
        receiver=Receiver(parts.blobs, parts.settings.max_upload_bytes),
        queue=parts.queue,
        blobs=parts.blobs,
        links=parts.links,
        hop=parts.hop,
    )
    common: dict[str, Any] = {"tag": "Books", "answer": shapes.BookSchema()}
    one: dict[str, Any] = {"path": "/v1/books/{book_id}", **common}
    return (
        Endpoint(
            method="POST",
            path="/v1/books",
            handler=uploads.on_post,
            permission="books:write",
            summary="Upload a book",
            description="PDF, EPUB, MOBI or UTF-8 text, told by its content; 500 MB at most. 201"
            " once file and record are kept; its text, then its page images follow.",
            form=shapes.NewBookUpload(),
            shows={
                "pageCount": None,
                "textStatus": "pending",
                "pagesStatus": "pending",
                "coverUrl": None,
            },
            status=201,
            errors=(PayloadTooLarge, UnsupportedMediaType, RateLimitExceeded),
            keyed=True,
            live=True,
            seconds=UPLOAD_SECONDS,
            **common,
        ),
        Endpoint(
            method="GET",
            path="/v1/books",
            handler=books.on_get,
            permission="books:read",
            summary="List books",
            description="One's own and public ones.",
            query=shapes.BookQuery(),
            tag="Books",
            answer=page_of(shapes.BookSchema),
        ),
        Endpoint(
            method="GET",
            handler=books.on_get_one,
            permission="books:read",
            summary="Look at a book",
            errors=GONE,
            **one,
        ),
        Endpoint(
            method="PATCH",
            handler=books.on_patch,
            permission="books:write",
            summary="Change a book",
            body=shapes.BookChanges(),
            errors=OWNERS,
            example={"title": "A better title", "category": "Science"},
            **one,
        ),
        Endpoint(
            method="DELETE",
            path="/v1/books/{book_id}",
            handler=books.on_delete,
            permission="books:write",
            summary="Delete a book",
            description="It is hidden at once; afterwards it answers 404 RESOURCE_DELETED.",
            tag="Books",
            status=204,
            errors=OWNERS,
        ),
    )


def _pages(parts: Parts) -> tuple[Endpoint, ...]:
    pages = Pages(parts.queue, parts.links, parts.clock)
    common: dict[str, Any] = {"tag": "Pages"}
    return (
        Endpoint(
            method="GET",
            path="/v1/books/{book_id}/pages",
            handler=pages.on_get,
            permission="books:read",
            summary="List pages",
            description="With signed addresses of their images, good for up to an hour; null for"
            " a tier that is still to be drawn.",
            query=shapes.PagesQuery(),
            answer=shapes.PagesSchema(),
            errors=GONE,
            **common,
        ),
        Endpoint(
            method="GET",
            path="/v1/books/{book_id}/pages/status",
            handler=pages.on_get_status,
            permission="books:read",
            summary="How far the page images are",
            answer=shapes.GenerationSchema(),
            errors=GONE,
            **common,
        ),
        Endpoint(
            method="GET",
            path="/v1/books/{book_id}/pages/{number:int(min=1, max=1000000)}",
            handler=pages.on_get_one,
            permission="books:read",
            summary="Look at a page",
            description="One that is not drawn yet is drawn next.",
            answer=shapes.PageSchema(),
            errors=GONE,
            **common,
        ),
        Endpoint(
            method="POST",
            path="/v1/books/{book_id}/pages/generate",
            handler=pages.on_post_generate,
            permission="books:write",
            summary="Draw page images",
            description="What is missing; with `again`, all of them anew.",
            body=shapes.GenerateWish(),
            answer=JobSchema(),
            shows=queued(GeneratePages.name),
            status=202,
            errors=(*OWNERS, RateLimitExceeded),
            keyed=True,
            example={"again": False},
            **common,
        ),
    )


def _covers(parts: Parts) -> tuple[Endpoint, ...]:
    covers = Covers(parts.links)
    uploads = CoverUploads(
        queue=parts.queue,
        blobs=parts.blobs,
        links=parts.links,
        hop=parts.hop,
        hub=parts.hub,
        clock=parts.clock,
    )
    common: dict[str, Any] = {"path": "/v1/books/{book_id}/cover", "tag": "Covers"}
    return (
        Endpoint(
            method="GET",
            handler=covers.on_get,
            permission="books:read",
            summary="Look at the cover",
            answer=shapes.CoverSchema(),
            errors=GONE,
            **common,
        ),
        Endpoint(
            method="PUT",
            handler=uploads.on_put,
            permission="books:write",
            summary="Set a cover",
            description="JPEG, PNG or WebP, 10 MB at most; kept 800 px wide.",
            form=shapes.CoverForm(),
            answer=shapes.CoverSchema(),
            errors=(*OWNERS, PayloadTooLarge, UnsupportedMediaType, RateLimitExceeded),
            live=True,
            **common,
        ),
        Endpoint(
            method="DELETE",
            handler=covers.on_delete,
            permission="books:write",
            summary="Go back to page 1 as the cover",
            status=204,
            errors=OWNERS,
            **common,
        ),
    )


def _images(parts: Parts) -> tuple[Endpoint, ...]:
    images = Images(parts.blobs, parts.links, parts.hop)
    common: dict[str, Any] = {
        "method": "GET",
        "permission": PUBLIC,
        "tag": "Images",
        "query": shapes.SignedQuery(),
        "media_type": JPEG,
        "errors": (NotFound, Forbidden),
        "live": True,
    }
    return (
        *(
            Endpoint(
                path=f"/v1/books/{{book_id}}/pages/{tier}/{{name}}",
                handler=partial(images.on_get_page, tier=tier),
                summary=f"The {tier} image of a page",
                description=f"A JPEG {tier.width} px wide, by a signed address alone. Answers"
                " `Range` and `If-None-Match`.",
                **common,
            )
            for tier in Tier
        ),
        Endpoint(
            path="/v1/books/{book_id}/covers/{name}",
            handler=images.on_get_cover,
            summary="A custom cover",
            description="By a signed address alone.",
            **common,
        ),
    )
