"""Queues on the wire."""

from marshmallow import fields

from api.schemas.wire import Moment, Wire


class QueueSchema(Wire):
    """One queue."""

    name = fields.String(metadata={"example": "pages"})
    paused = fields.Boolean()
    queued = fields.Integer(metadata={"example": 4})
    waiting = fields.Integer(metadata={"example": 1})
    running = fields.Integer(metadata={"example": 2})
    oldest_queued_at = Moment(allow_none=True)


class QueuesSchema(Wire):
    """All queues."""

    data = fields.List(fields.Nested(QueueSchema))
