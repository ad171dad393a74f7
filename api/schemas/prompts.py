"""The library of prompts on the wire (M-39)."""

from typing import Final

from marshmallow import fields, validate

from api.schemas.chats import MOST_TAGS, Words
from api.schemas.lists import AnyOf, PageQuery, Sort
from api.schemas.wire import Id, Line, Moment, Wire
from jobs.chats.prompts import MOST_VARIABLES

LONGEST_TEMPLATE: Final = 20_000
LONGEST_VALUE: Final = 50_000


class PromptDetails(Wire):
    """What its owner says of a prompt; `{{name}}` in the template is a variable."""

    title = Line(most=200, metadata={"example": "Explain"})
    description = fields.String(
        validate=validate.Length(max=2_000), metadata={"example": "One thing, for one reader."}
    )
    template = Words(
        most=LONGEST_TEMPLATE, metadata={"example": "Explain {{subject}} to a {{reader}}."}
    )
    tags = fields.List(
        Line(most=50), validate=validate.Length(max=MOST_TAGS), metadata={"example": ["reading"]}
    )


class NewPrompt(PromptDetails):
    """A prompt to keep."""

    title = Line(most=200, required=True)
    template = Words(most=LONGEST_TEMPLATE, required=True)


class PromptSchema(Wire):
    """A prompt."""

    id = Id("prompt")
    title = fields.String(metadata={"example": "Explain"})
    description = fields.String(metadata={"example": "One thing, for one reader."})
    template = fields.String(metadata={"example": "Explain {{subject}} to a {{reader}}."})
    variables = fields.List(fields.String(), metadata={"example": ["subject", "reader"]})
    tags = fields.List(fields.String(), metadata={"example": ["reading"]})
    created_at = Moment()
    updated_at = Moment()


class PromptQuery(PageQuery):
    """Which prompts to list."""

    tag = AnyOf()
    sort = Sort("title", "created_at", "updated_at", load_default=None, allow_none=True)


class Values(Wire):
    """What the variables of a prompt stand for."""

    variables = fields.Dict(
        keys=fields.String(validate=validate.Length(1, 63)),
        values=fields.String(validate=validate.Length(max=LONGEST_VALUE)),
        load_default=dict,
        validate=validate.Length(max=MOST_VARIABLES),
    )


class Rendered(Wire):
    """A prompt, filled in."""

    text = fields.String(metadata={"example": "Explain tides to a child."})
