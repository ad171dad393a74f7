"""Queues on the wire."""

from marshmallow import fields

from api.schemas.wire import Moment, Wire


class QueueSchema(Wire):
    """One queue."""

    name = fields.String()
    paused = fields.Boolean()
    queued = fields.Integer()
    waiting = fields.Integer()
    running = fields.Integer()
    oldest_queued_at = Moment(allow_none=True)


class QueuesSchema(Wire):
    """All queues."""

    data = fields.List(fields.Nested(QueueSchema))
