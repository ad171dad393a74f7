"""What limits on requests may be set for."""

from pathlib import Path
from typing import Any

from models.kernel.database import Pool


def up(_migrator: Any, db: Pool) -> None:
    """Make what `0025_limits.sql` says beside this file."""
    db.script(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
