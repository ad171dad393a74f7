"""LLM calls: what they used in full, who was tried, what people prefer, what was flagged."""

from pathlib import Path
from typing import Any

from models.kernel.database import Pool


def up(_migrator: Any, db: Pool) -> None:
    """Add the tables and columns of `0002_llm_calls.sql` beside this file."""
    db.script(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
