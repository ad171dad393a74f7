"""The cache of answers: the same question of the same account, answered again for free (M-43).

Only who asks for it gets it. What counts as the same: the LLMs of the plan, every message, every
option, account and mode. Only whole answers are kept, for a day.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from psycopg2 import Binary
from psycopg2.extras import Json

from jobs.llms.preparing import Prepared
from jobs.llms.provider import Message
from jobs.run import Effect
from models.kernel.database import database

HOURS: Final = 24
MOST_KEPT: Final = 500
"""Answers of one account and mode."""

_FIND: Final = """
select answer from cached_answer
where account_id = %s and mode = %s and key = %s
  and created_at > now() - make_interval(hours => %s)
"""
_KEEP: Final = """
with old as (
    delete from cached_answer
    where account_id = %s and mode = %s and key <> %s and (
        created_at <= now() - make_interval(hours => %s)
        or key in (
            select key from cached_answer where account_id = %s and mode = %s
            order by created_at desc offset %s))
)
insert into cached_answer (account_id, mode, key, answer) values (%s, %s, %s, %s)
on conflict (account_id, mode, key)
do update set answer = excluded.answer, created_at = excluded.created_at
"""


def key_of(prepared: Prepared, messages: Sequence[Message], options: Mapping[str, Any]) -> bytes:
    """Return what makes a question the same question."""
    llms = [step.llm for step in prepared.steps]
    whole = [llms, prepared.max_tokens, list(messages), dict(options)]
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"), default=str)
    return sha256(text.encode()).digest()


def find(account_id: UUID, mode: str, key: bytes) -> dict[str, Any] | None:
    """Return the result that was kept under a key, None when there is none or it is too old."""
    rows = database.rows(_FIND, (account_id, mode, Binary(key), HOURS))
    return rows[0][0] if rows else None


def keeping(account_id: UUID, mode: str, key: bytes, result: Mapping[str, Any]) -> Effect:
    """Return the statement that keeps a result, and lets go of what is old or too much."""
    place = (account_id, mode)
    kept = (*place, Binary(key), Json(dict(result)))
    old = (*place, Binary(key), HOURS, *place, MOST_KEPT - 1)
    return Effect(_KEEP, (*old, *kept))
