"""Webhooks: endpoints, their secrets, deliveries and attempts (H-01, H-05, H-06)."""

from pathlib import Path
from typing import Any

from models.kernel.database import Pool


def up(_migrator: Any, db: Pool) -> None:
    """Make what `0023_webhooks.sql` says beside this file."""
    db.script(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
