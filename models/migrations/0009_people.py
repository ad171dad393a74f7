"""People: their preferences, and what was done to them."""

from pathlib import Path
from typing import Any

from models.kernel.database import Pool


def up(_migrator: Any, db: Pool) -> None:
    """Make the tables of `0009_people.sql` beside this file."""
    db.script(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
