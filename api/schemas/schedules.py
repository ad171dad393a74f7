"""Schedules and their runs on the wire."""

from marshmallow import fields

from api.schemas.wire import Id, Moment, Wire
from models.schedules import SOURCES, STATUSES


class RunSchema(Wire):
    """One run of a schedule."""

    slot = Moment(metadata={"description": "What it is the run of: once each."})
    source = fields.String(metadata={"description": " or ".join(f"`{one}`" for one in SOURCES),
                                     "example": "calendar"})  # fmt: skip
    asked_by = Id("user", allow_none=True, metadata={"example": None})
    status = fields.String(
        metadata={
            "description": f"{', '.join(f'`{one}`' for one in STATUSES)}. `left` is one whose"
            " process is gone, until another takes it up; `skipped` had nothing set up to do.",
            "example": "succeeded",
        }
    )
    attempts = fields.Integer(
        metadata={"description": "Processes that took it up; all but the last were lost.",
                  "example": 1}
    )  # fmt: skip
    started_at = Moment(allow_none=True)
    finished_at = Moment(allow_none=True, metadata={"example": "2026-11-20T12:00:02.000Z"})
    seconds = fields.Float(
        allow_none=True, metadata={"description": "Of the last attempt.", "example": 2.0}
    )
    words = fields.String(
        metadata={"description": "What came of it.", "example": "purged 3 chats and messages"}
    )
    worker = fields.String(allow_none=True, metadata={"example": "node-1:4711:9c1f02ab"})


class CalendarSchema(Wire):
    """When a schedule is due, in UTC: by one of the two."""

    cron = fields.String(
        metadata={"description": "Minute, hour, day, month, day of the week; may be empty.",
                  "example": "5 * * * *"}
    )  # fmt: skip
    every = fields.Integer(metadata={"description": "Seconds; or 0.", "example": 0})
    words = fields.String(
        metadata={
            "description": "What it is for.",
            "example": "Purges chats and messages that were deleted ILM_RETENTION_DAYS ago",
        }
    )
    most_seconds = fields.Integer(
        metadata={"description": "How long a run may take.", "example": 1800}
    )


class ScheduleSchema(Wire):
    """One schedule."""

    name = fields.String(metadata={"example": "chats"})
    calendar = fields.Nested(CalendarSchema)
    is_running = fields.Boolean()
    last_run = fields.Nested(RunSchema, allow_none=True)
    succeeded_at = Moment(allow_none=True)
    next_at = Moment(metadata={"example": "2026-11-20T13:00:00.000Z"})


class SchedulesSchema(Wire):
    """All schedules."""

    data = fields.List(fields.Nested(ScheduleSchema))
