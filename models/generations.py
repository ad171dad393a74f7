"""Generations: how often what is listed has changed, as triggers count it when a change commits."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from models.kernel.database import database

EVERYBODY: Final = UUID(int=0)
"""The subject of what is public."""

_NUMBERS: Final = """
select number from unnest(%s::uuid[]) with ordinality as asked (subject, place)
left join generation on generation.subject = asked.subject and scope = %s
order by place
"""


def generations_of(scope: str, subjects: Sequence[UUID]) -> tuple[int, ...]:
    """Return the generation of each subject's things, 0 before their first change."""
    rows = database.rows(_NUMBERS, ([str(each) for each in subjects], scope))
    return tuple(number or 0 for (number,) in rows)
