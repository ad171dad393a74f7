"""Usage: sums of days, which of them are to be made anew, and what is kept of a closed month."""

from pathlib import Path
from typing import Any

from models.kernel.database import Pool


def up(_migrator: Any, db: Pool) -> None:
    """Make what `0020_usage.sql` says beside this file."""
    db.script(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
