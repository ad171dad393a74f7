"""The gateway: limits on requests, and what tells clients what has changed."""

from pathlib import Path
from typing import Any

from models.kernel.database import Pool


def up(_migrator: Any, db: Pool) -> None:
    """Add what `0008_gateway.sql` beside this file says."""
    db.script(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
