"""The wires of others: what they send is passed through, so only our own additions have a shape."""

from marshmallow import EXCLUDE, INCLUDE, Schema, fields, validate


class Passed(Schema):
    """A body of a wire: whatever the vendor's client sends (CONTRACT §2)."""

    class Meta:
        """marshmallow's configuration."""

        unknown = INCLUDE


class WireQuery(Schema):
    """The query of a call."""

    class Meta:
        """marshmallow's configuration."""

        unknown = EXCLUDE

    on_disconnect = fields.String(validate=validate.OneOf(["continue", "cancel"]))


class ResumeQuery(Schema):
    """How an answer is asked for again."""

    class Meta:
        """marshmallow's configuration."""

        unknown = EXCLUDE

    stream = fields.String(validate=validate.OneOf(["true", "false"]))
    starting_after = fields.String(validate=validate.Regexp(r"\A[0-9]{1,15}\Z"))


class ItemsQuery(Schema):
    """Which items of a response to list."""

    class Meta:
        """marshmallow's configuration."""

        unknown = EXCLUDE

    limit = fields.String(validate=validate.Regexp(r"\A(?:[1-9][0-9]?|100)\Z"))
    order = fields.String(validate=validate.OneOf(["asc", "desc"]))
    after = fields.String(validate=validate.Length(max=100))


class OpenAIFault(Schema):
    """What is wrong, in OpenAI's words."""

    message = fields.String(required=True)
    type = fields.String(required=True)
    param = fields.String(required=True, allow_none=True)
    code = fields.String(required=True, allow_none=True)


class OpenAIErrorSchema(Schema):
    """An error on OpenAI's wires."""

    error = fields.Nested(OpenAIFault, required=True)


class AnthropicFault(Schema):
    """What is wrong, in Anthropic's words."""

    type = fields.String(required=True)
    message = fields.String(required=True)


class AnthropicErrorSchema(Schema):
    """An error on Anthropic's wire."""

    type = fields.String(required=True, validate=validate.Equal("error"))
    error = fields.Nested(AnthropicFault, required=True)
    request_id = fields.String(required=True, allow_none=True)
