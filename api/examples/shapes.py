"""Examples of schemas, put together of their fields, so that one definition serves every route.

A field says what it looks like in its metadata (`example`), where its kind does not tell.
"""

from typing import Any, Final

from marshmallow import Schema, fields, missing, validate

from api.schemas.wire import SELDOM

_KINDS: Final[tuple[tuple[type[fields.Field[Any]], Any], ...]] = (
    (fields.Boolean, False),
    (fields.Date, "2026-11-20"),
    (fields.Email, "reader@example.org"),
    (fields.Url, "https://example.org/"),
)
"""What the fields of a kind look like that say nothing else."""


def example_of(schema: Schema, *, is_sent: bool = False) -> dict[str, Any]:
    """Return an example of what a schema answers, or of what is sent in its shape.

    What is seldom there is left out, and so is a field of which nobody knows what it looks like.
    """
    looks = {
        field.data_key or name: _example(field, is_sent=is_sent)
        for name, field in schema.fields.items()
        if not (field.dump_only if is_sent else field.load_only) and not field.metadata.get(SELDOM)
    }
    return {name: look for name, look in looks.items() if look is not missing}


def _example(field: fields.Field[Any], *, is_sent: bool) -> Any:
    """Return what a field looks like, `missing` when nobody knows."""
    if "example" in field.metadata:
        return field.metadata["example"]
    if isinstance(field, fields.Nested):
        return example_of(field.schema, is_sent=is_sent)
    if isinstance(field, fields.List):
        one = _example(field.inner, is_sent=is_sent)
        return missing if one is missing else [one]
    choices = [rule.choices for rule in field.validators if isinstance(rule, validate.OneOf)]
    if choices:
        return next(iter(choices[0]))
    return next((look for kind, look in _KINDS if isinstance(field, kind)), missing)
