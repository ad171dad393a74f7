"""What has changed, on the wire (G-24)."""

from typing import Final

from marshmallow import fields, validate

from api.schemas.chats import ChatSchema
from api.schemas.lists import AnyOf
from api.schemas.wire import Moment, Whole, Wire, example_id
from jobs.sync import PERMISSIONS

MOST: Final = 500
USUAL: Final = 100


class SyncQuery(Wire):
    """Since when, and of what; without `since` from the beginning, without `types` everything."""

    since = fields.String(load_default=None, validate=validate.Length(1, 100))
    types = AnyOf(*PERMISSIONS, load_default=None)
    limit = Whole(text=True, load_default=USUAL, validate=validate.Range(1, MOST))


class ChangeSchema(Wire):
    """One thing as it is now."""

    type = fields.String(validate=validate.OneOf(list(PERMISSIONS)))
    id = fields.String(metadata={"example": example_id("chat")})
    data = fields.Nested(ChatSchema)


class TombstoneSchema(Wire):
    """One thing that is gone."""

    type = fields.String(validate=validate.OneOf(list(PERMISSIONS)))
    id = fields.String(metadata={"example": example_id("chat", 1)})
    deleted_at = Moment()


class SyncSchema(Wire):
    """What has changed; ask again with `cursor`, at once while there is more."""

    changes = fields.List(fields.Nested(ChangeSchema))
    tombstones = fields.List(fields.Nested(TombstoneSchema))
    cursor = fields.String(metadata={"example": "c1_2f1_01a1f8d3ea007c3ea2d64b7d5e1f8a30_6b00d640"})
    has_more = fields.Boolean()
