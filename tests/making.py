"""Making rows for tests: how one is written and read back, and who owns most of them."""

from collections.abc import Mapping
from itertools import count
from typing import Any, Final, TypeVar

from models.accounts import Account, Person
from models.kernel.database import Table, database

Row = Mapping[str, Any]
T = TypeVar("T", bound=Table)

NO_HASH: Final = "no hash of any password"

numbers = count(1)


def account(**given: Any) -> Account:
    """An account with nothing in its wallet."""
    return made(Account, given)


def person(of: Account | None = None, **given: Any) -> Person:
    """Somebody with an account of their own, whom no password logs in."""
    usual = {
        "account": (of or account()).id,
        "email": f"person{next(numbers)}@example.org",
        "password_hash": NO_HASH,
    }
    return made(Person, {**usual, **given})


def made(table: type[T], values: dict[str, Any], key: str = "id") -> T:
    """Write a row and read it back, with what the database added."""
    row = table(**values)
    row.save(force_insert=True)
    fresh: T = table.get(getattr(table, key) == getattr(row, key))
    return fresh


def inserted(table: str, values: Row) -> Row:
    """Write a row of a table that has no model, because SQL alone reads it."""
    columns, places = ", ".join(values), ", ".join("%s" for _ in values)
    sql = f"insert into {table} ({columns}) values ({places}) returning row_to_json({table})"
    ((row,),) = database.rows(sql, tuple(values.values()))
    whole: Row = row
    return whole
