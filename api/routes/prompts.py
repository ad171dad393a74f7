"""The routes of the library of prompts (M-39)."""

from typing import Any

from api.endpoints import Endpoint
from api.parts import Parts
from api.resources.prompts import Prompts
from api.schemas import prompts as shapes
from api.schemas.lists import page_of
from models.kernel.errors import Conflict, Invalid, NotFound


def prompt_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints of prompts."""
    prompts = Prompts(parts.clock)
    common: dict[str, Any] = {"tag": "Prompts"}
    one: dict[str, Any] = {"path": "/v1/prompts/{prompt_id}", **common}
    example = {"title": "Explain", "template": "Explain {{subject}} to a {{reader}}."}
    return (
        Endpoint(
            method="POST",
            path="/v1/prompts",
            handler=prompts.on_post,
            permission="chats:write",
            summary="Keep a prompt",
            description="`{{name}}` in the template is a variable.",
            body=shapes.NewPrompt(),
            answer=shapes.PromptSchema(),
            status=201,
            errors=(Conflict, Invalid),
            creates=True,
            example=example,
            **common,
        ),
        Endpoint(
            method="GET",
            path="/v1/prompts",
            handler=prompts.on_get,
            permission="chats:read",
            summary="List my prompts",
            query=shapes.PromptQuery(),
            answer=page_of(shapes.PromptSchema),
            **common,
        ),
        Endpoint(
            method="GET",
            handler=prompts.on_get_one,
            permission="chats:read",
            summary="Look at a prompt",
            answer=shapes.PromptSchema(),
            errors=(NotFound,),
            **one,
        ),
        Endpoint(
            method="PATCH",
            handler=prompts.on_patch,
            permission="chats:write",
            summary="Change a prompt",
            body=shapes.PromptDetails(),
            answer=shapes.PromptSchema(),
            errors=(NotFound, Invalid),
            **one,
        ),
        Endpoint(
            method="DELETE",
            handler=prompts.on_delete,
            permission="chats:write",
            summary="Take a prompt out of the library",
            status=204,
            errors=(NotFound,),
            **one,
        ),
        Endpoint(
            method="POST",
            path="/v1/prompts/{prompt_id}/render",
            handler=prompts.on_post_render,
            permission="chats:read",
            summary="Fill a prompt in",
            body=shapes.Values(),
            answer=shapes.Rendered(),
            errors=(NotFound, Invalid),
            example={"variables": {"subject": "tides", "reader": "child"}},
            **common,
        ),
    )
