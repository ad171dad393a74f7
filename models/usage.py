"""Usage as its owner reads it: what days held, whole, by its parts, and day by day (B-05, B-12).

`models/sql/usage.sql` says where it comes from: sums of old days, and the detail of others.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from models.billing import Whose
from models.kernel.database import database
from models.kernel.ids import wire_id
from models.kernel.money import ZERO, Nano

NO_KEY: Final = "none"

_WAYS: Final = ("llm", "operation", "key_id", "user_id", "day")
_SUMS: Final = f"""
select grouping({", ".join(_WAYS)}),
    coalesce(llm, operation, key_id::text, user_id::text, day::text),
    coalesce(sum(calls), 0)::bigint, coalesce(sum(tokens_in), 0)::bigint,
    coalesce(sum(tokens_out), 0)::bigint, coalesce(sum(cost_nano), 0)::bigint
from usage_of(%s, %s, %s, %s) where calls > 0
group by grouping sets ((), {", ".join(f"({way})" for way in _WAYS)})
"""
_WHOLE: Final = 2 ** len(_WAYS) - 1
_WAY_OF: Final[Mapping[int, str]] = {
    _WHOLE - 2**place: way for place, way in enumerate(reversed(_WAYS))
}
"""By what PostgreSQL's `grouping` calls them: a bit for each column that was summed over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """So many calls, their tokens, and what they cost."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: Nano = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The sum of what one LLM, one key, one person, one operation or one day had of it."""

    name: str
    sum: Sum


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What days from `start` up to, not including, `end` (UTC) held, whole and by its parts.

    Each breakdown adds up to the whole, to the nano-USD. `days` are those with anything in them.
    """

    start: date
    end: date
    total: Sum
    by_llm: tuple[Part, ...]
    by_operation: tuple[Part, ...]
    by_key: tuple[Part, ...]
    by_user: tuple[Part, ...]
    days: tuple[Part, ...]


def usage(whose: Whose, start: date, end: date) -> Usage:
    """Return what was used on some days (B-05, B-17)."""
    total = Sum()
    parts: dict[str, list[Part]] = {way: [] for way in _WAYS}
    for group, name, calls, into, out, cost in database.rows(
        _SUMS, (whose.account_id, whose.mode, start, end)
    ):
        one = Sum(calls=calls, tokens_in=into, tokens_out=out, cost=Nano(cost))
        if group == _WHOLE:
            total = one
        else:
            parts[_WAY_OF[group]].append(Part(name=_named(_WAY_OF[group], name), sum=one))
    return Usage(
        start=start, end=end, total=total, by_llm=_dearest_first(parts["llm"]),
        by_operation=_dearest_first(parts["operation"]), by_key=_dearest_first(parts["key_id"]),
        by_user=_dearest_first(parts["user_id"]),
        days=tuple(sorted(parts["day"], key=lambda part: part.name)),
    )  # fmt: skip


def _named(way: str, name: Any) -> str:
    if way not in {"key_id", "user_id"}:
        return str(name)
    return NO_KEY if name is None else wire_id(way.removesuffix("_id"), UUID(name))


def _dearest_first(parts: list[Part]) -> tuple[Part, ...]:
    return tuple(sorted(parts, key=lambda part: (-part.sum.cost.amount, part.name)))
