"""Events on the wire (H-02, H-03)."""

from typing import Any, Final

from marshmallow import fields, validate

from api.schemas.lists import AnyOf
from api.schemas.wire import Id, Moment, Whole, Wire, example_id
from models.catalogue.events import event_types

MOST: Final = 500
USUAL: Final = 100
SHOWN: Final = "book.created"
"""The type that examples show."""


def shown_data() -> dict[str, Any]:
    """Return the data that examples show."""
    return dict(event_types()[SHOWN].sample)


class EventQuery(Wire):
    """After which event, and of what; without `after` from the oldest that is kept."""

    after = Id("evt", load_default=None)
    types = AnyOf(
        load_default=None,
        metadata={
            "description": "Types, separated by commas; `book.*` means all that begin so.",
            "example": "book.*,job.succeeded",
        },
    )
    limit = Whole(text=True, load_default=USUAL, validate=validate.Range(1, MOST))


class EventSchema(Wire):
    """Something that happened. What `data` holds is told by its type."""

    id = Id("evt")
    type = fields.String(metadata={"example": SHOWN})
    timestamp = Moment()
    data = fields.Dict(keys=fields.String(), metadata={"example": shown_data()})


class ToldSchema(Wire):
    """Events, the earliest first; ask again `after` the cursor, at once while there is more."""

    data = fields.List(fields.Nested(EventSchema))
    cursor = fields.String(allow_none=True, metadata={"example": example_id("evt")})
    has_more = fields.Boolean()


class EventTypeSchema(Wire):
    """A type of events. Nobody is told of one that `isComing`: it belongs to what is not there."""

    type = fields.String(metadata={"example": SHOWN})
    description = fields.String(metadata={"example": event_types()[SHOWN].words})
    permission = fields.String(metadata={"example": event_types()[SHOWN].permission})
    is_coming = fields.Boolean()
    sample = fields.Dict(keys=fields.String(), metadata={"example": shown_data()})


class EventTypesSchema(Wire):
    """Every type of events there is."""

    data = fields.List(fields.Nested(EventTypeSchema))
