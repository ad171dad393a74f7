"""OAuth: apps, what people granted them, and what came of it."""

from pathlib import Path
from typing import Any

from models.kernel.database import Pool


def up(_migrator: Any, db: Pool) -> None:
    """Make the tables of `0011_oauth.sql` beside this file."""
    db.script(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
