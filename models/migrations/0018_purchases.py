"""Purchases of credits, and who moved money by hand and why."""

from pathlib import Path
from typing import Any

from models.kernel.database import Pool


def up(_migrator: Any, db: Pool) -> None:
    """Make what `0018_purchases.sql` says beside this file."""
    db.script(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
