"""Logins: sessions, what was tried, how often one may guess, second factors, proofs by mail."""

from pathlib import Path
from typing import Any

from models.kernel.database import Pool


def up(_migrator: Any, db: Pool) -> None:
    """Add the tables of `0007_logins.sql` beside this file."""
    db.script(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
