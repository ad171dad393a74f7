"""Events: a place in an order that no commit comes too late for, and an age to be forgotten by."""

from pathlib import Path
from typing import Any

from models.kernel.database import Pool


def up(_migrator: Any, db: Pool) -> None:
    """Make what `0022_events.sql` says beside this file."""
    db.script(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
