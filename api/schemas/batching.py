"""Several requests in one, on the wire (G-23)."""

from typing import Any, Final

from marshmallow import ValidationError, fields, validate, validates

from api.schemas.wire import Line, Wire

MOST: Final = 20
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")


class BatchItem(Wire):
    """One request: its `id` comes back with its answer."""

    id = Line(most=64, required=True)
    method = fields.String(required=True, validate=validate.OneOf(METHODS))
    path = fields.String(
        required=True,
        validate=validate.Regexp(r"/v1/[!-~]{1,2000}\Z"),
        metadata={"example": "/v1/jobs?status=running"},
    )
    body = fields.Raw(load_default=None, allow_none=True)
    idempotency_key = fields.String(
        load_default=None, allow_none=True, validate=validate.Regexp(r"[!-~]{1,255}\Z")
    )


class BatchWish(Wire):
    """The requests, answered in this order."""

    requests = fields.List(
        fields.Nested(BatchItem), required=True, validate=validate.Length(1, MOST)
    )

    @validates("requests")
    def _each_has_its_own_id(self, value: Any, **_: Any) -> None:
        ids = [item["id"] for item in value if "id" in item]
        if len(set(ids)) < len(ids):
            raise ValidationError("Every id must be another.")


class BatchAnswer(Wire):
    """What became of one request."""

    id = fields.String(metadata={"example": "me"})
    status = fields.Integer(metadata={"example": 200})
    body = fields.Raw(allow_none=True, metadata={"example": {"name": "Ada"}})


class BatchAnswers(Wire):
    """What became of them all."""

    responses = fields.List(fields.Nested(BatchAnswer))
