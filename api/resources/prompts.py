"""The library of prompts: kept, listed, changed, filled in (M-39)."""

from typing import Any, Final
from uuid import UUID

from falcon.asgi import Request, Response

from api.resources.chats import tagged, talker_of
from api.schemas.lists import Order, page_of
from api.schemas.prompts import PromptSchema
from jobs.chats import prompts
from jobs.chats.prompts import render, variables_of
from models.chats import Prompt
from models.kernel.clock import Clock
from models.kernel.ids import wire_id
from models.listings import Listing

NEWEST: Final = Order("created_at", descending=True)


class Prompts:
    """The prompts of a person."""

    def __init__(self, clock: Clock) -> None:
        """Take the time."""
        self._clock = clock

    def on_post(self, req: Request, resp: Response) -> None:
        """Keep a prompt."""
        prompt = prompts.keep(talker_of(req), req.context.body)
        resp.media = prompt_body(prompt)
        resp.set_header("Location", f"/v1/prompts/{wire_id('prompt', prompt.id)}")

    def on_get(self, req: Request, resp: Response) -> None:
        """List prompts, newest first unless asked otherwise."""
        query = dict(req.context.query)
        order = query.pop("sort") or NEWEST
        rows = tagged(Prompt.of(talker_of(req)), Prompt, query.pop("tag", None))
        column = getattr(Prompt, order.by)
        rows = rows.order_by(column.desc() if order.descending else column, Prompt.id.desc())
        listing = Listing.of(rows, **query)
        pagination = page_of(PromptSchema).dump(listing)["pagination"]
        data = [prompt_body(prompt) for prompt in listing.data]
        resp.media = {"data": data, "pagination": pagination}

    def on_get_one(self, req: Request, resp: Response, prompt_id: UUID) -> None:
        """Show a prompt."""
        resp.media = prompt_body(_owned(req, prompt_id))

    def on_patch(self, req: Request, resp: Response, prompt_id: UUID) -> None:
        """Change a prompt."""
        prompt = prompts.change(_owned(req, prompt_id), req.context.body, self._clock.now())
        resp.media = prompt_body(prompt)

    def on_delete(self, req: Request, _resp: Response, prompt_id: UUID) -> None:
        """Take a prompt out of the library."""
        prompts.forget(_owned(req, prompt_id))

    def on_post_render(self, req: Request, resp: Response, prompt_id: UUID) -> None:
        """Fill a prompt in."""
        text = render(_owned(req, prompt_id).template, req.context.body["variables"])
        resp.media = {"text": text}


def prompt_body(prompt: Prompt) -> dict[str, Any]:
    """Return a prompt as the wire shows it, with the variables it leaves open."""
    body: dict[str, Any] = PromptSchema().dump(prompt)
    return {**body, "variables": variables_of(prompt.template)}


def _owned(req: Request, prompt_id: UUID) -> Prompt:
    return Prompt.owned_by(talker_of(req), prompt_id)
