"""Experiments: two LLMs compared, and which answers belong to them."""

from pathlib import Path
from typing import Any

from models.kernel.database import Pool


def up(_migrator: Any, db: Pool) -> None:
    """Add the tables and columns of `0005_experiments.sql` beside this file."""
    db.script(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
