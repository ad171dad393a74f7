"""Events: rows written by the transaction that changes the state (ARCHITECTURE §10)."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from psycopg2.extras import Json

from jobs.run import Effect
from models.kernel.database import database
from models.kernel.ids import new_id

_RECORD: Final = """
insert into event (id, account_id, mode, type, data, once) values (%s, %s, %s, %s, %s, %s)
on conflict (once) do nothing
"""


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happens to one account's things. With `once`, it happens only once."""

    account_id: UUID
    mode: str
    type: str
    data: dict[str, Any]
    once: str | None = None

    @property
    def effect(self) -> Effect:
        """The statement that writes it down."""
        values = (
            new_id(), self.account_id, self.mode, self.type, Json(self.data), self.once,
        )  # fmt: skip
        return Effect(_RECORD, values)


def record(happening: Happening) -> None:
    """Write an event in the transaction that is open."""
    effect = happening.effect
    database.rows(effect.sql, effect.parameters)
