"""Migrating: schema, functions and rights, brought up to this release. Safe to run again.

Several may start at once, as in a fleet: an advisory lock lets one work and the others wait.
"""

from pathlib import Path
from typing import Final

from playhouse.migrations import Runner

from models.kernel.database import Pool, open_pool
from models.kernel.settings import Settings
from models.plans import make_plans

HERE: Final = Path(__file__).parent
LOCK: Final = 0x494C4D
ORDER: Final = (
    "events", "periods", "money", "budgets", "purchases", "lane", "engine", "usage", "statements",
    "reconcile", "batches", "webhooks", "webhook_tools", "erasure", "grants",
)  # fmt: skip


def migrate(settings: Settings) -> list[str]:
    """Bring the database up to this release; return the names of the steps that were applied."""
    pool = open_pool(settings, owner=True)
    with pool.borrowed():
        pool.rows("select pg_advisory_lock(%s)", (LOCK,))
        try:
            return _apply(pool)
        finally:
            pool.rows("select pg_advisory_unlock(%s)", (LOCK,))


def _apply(pool: Pool) -> list[str]:
    applied: list[str] = Runner(pool, str(HERE / "migrations")).up()
    with pool.unit():
        pool.script("set local check_function_bodies = off")
        for name in ORDER:
            pool.script((HERE / "sql" / f"{name}.sql").read_text(encoding="utf-8"))
        make_plans(pool)
    return applied
