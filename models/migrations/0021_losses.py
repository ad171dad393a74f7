"""Losses: what the house has borne for faults of vendors, booked like every other cost (B-01)."""

from typing import Any

from models.kernel.database import Pool

_BOOK = """
select money_move('retry_loss', 'vendor_cost', sum(vendor_nano)::bigint, 'loss:' || job_id)
from usage_line where is_borne group by job_id having sum(vendor_nano) > 0
"""


def up(_migrator: Any, db: Pool) -> None:
    """Book what earlier releases only counted."""
    if db.rows("select 1 from usage_line where is_borne limit 1"):
        db.rows(_BOOK)
