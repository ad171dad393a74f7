"""Alerts on the wire (I-08)."""

from marshmallow import fields

from api.schemas.lists import AnyOf, PageQuery
from api.schemas.wire import Id, Moment, Wire
from models.alerts import BEGUN, ENDED


class AlertQuery(PageQuery):
    """Which alerts to list: those that go on, unless asked otherwise."""

    state = AnyOf(BEGUN, ENDED, load_default=(BEGUN,))


class AlertSchema(Wire):
    """Something that is or was wrong; `docs/observability.md` says under its name what to do."""

    id = Id("alert")
    name = fields.String(metadata={"example": "IlmQueueOld"})
    subject = fields.String(
        metadata={"description": "What of: a queue, an LLM; may be empty.", "example": "pages"}
    )
    severity = fields.String(
        metadata={"description": "`page` wants somebody now, `ticket` soon.", "example": "page"}
    )
    words = fields.String(metadata={"example": "pages: a job is due for 320 s"})
    state = fields.String(metadata={"example": "begun"})
    began_at = Moment()
    ended_at = Moment(allow_none=True, metadata={"example": None})
    acknowledged_by = Id("user", allow_none=True, metadata={"example": None})
    acknowledged_at = Moment(allow_none=True, metadata={"example": None})
