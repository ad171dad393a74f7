"""The actors that open books: text on one queue, page images on another."""

from jobs.avatars import SetAvatar, set_avatar
from jobs.pages.cover import SetCover, set_cover
from jobs.pages.generate import GeneratePages, generate_pages
from jobs.pages.text import ReadText, read_text
from workers.actors import declare
from workers.adapters.pages.renderer import MuPdfRenderer
from workers.tools import Tools


def enlist_readers(tools: Tools) -> None:
    """Declare the actors of quick work: reading text, sizing covers and avatars."""
    renderer, room = MuPdfRenderer(tools.clock), tools.workroom

    declare(tools, ReadText, lambda job, run: read_text(job, renderer, tools.blobs, room, run))
    declare(tools, SetCover, lambda job, run: set_cover(job, renderer, tools.blobs, room, run))
    declare(tools, SetAvatar, lambda job, run: set_avatar(job, renderer, tools.blobs, room, run))


def enlist_images(tools: Tools) -> None:
    """Declare the actor that draws page images."""
    renderer, room = MuPdfRenderer(tools.clock), tools.workroom

    declare(
        tools, GeneratePages, lambda job, run: generate_pages(job, renderer, tools.blobs, room, run)
    )
