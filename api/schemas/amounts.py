"""Amounts on the wire: cents to be shown, nano-USD to be counted (X-7, CONTRACT §2)."""

import re
from typing import Any, Final

from marshmallow import ValidationError, fields

from models.kernel.money import Nano

_DIGITS: Final = re.compile(r"-?\d{1,18}", re.ASCII)


class _Cents(fields.Field[Nano]):
    """Whole cents, which are only shown."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"dump_only": True, **options})


class Cost(_Cents):
    """What something cost in whole cents, rounded up: at least 1 when it cost anything."""

    def _serialize(self, value: Any, *_: Any, **__: Any) -> int | None:
        return None if value is None else value.cost_cents


class Have(_Cents):
    """What there is in whole cents, rounded down."""

    def _serialize(self, value: Any, *_: Any, **__: Any) -> int | None:
        return None if value is None else value.balance_cents


class Exact(fields.Field[Nano]):
    """An exact amount: an integer of nano-USD, as a string of digits."""

    def __init__(self, **options: Any) -> None:
        """Describe the digits."""
        options.setdefault("metadata", {}).setdefault("pattern", r"^-?[0-9]{1,18}$")
        super().__init__(**options)

    def _serialize(self, value: Any, *_: Any, **__: Any) -> str | None:
        return None if value is None else value.wire

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Nano:
        if isinstance(value, str) and _DIGITS.fullmatch(value):
            return Nano(int(value))
        raise ValidationError("Not a whole number of nano-USD, as a string of digits.")


def positive(amount: Nano) -> None:
    """Refuse an amount that is not more than nothing."""
    if amount.amount <= 0:
        raise ValidationError("Must be more than nothing.")
