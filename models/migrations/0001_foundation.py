"""The first tables: accounts and keys, money, jobs, events, books and pages."""

from pathlib import Path
from typing import Any

from models.kernel.database import Pool


def up(_migrator: Any, db: Pool) -> None:
    """Create the tables of the foundation, as `0001_foundation.sql` beside this file says."""
    db.script(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
