"""Preferences: which LLM a person likes, cheap or good, how strict, answers kept or not (M-36)."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from psycopg2.extras import Json

from models.kernel.database import database
from models.kernel.errors import Detail, Invalid
from models.llms import llm_named

_PREFER: Final = "update person set ai_preferences = %s, updated_at = now() where id = %s"


def prefer(person_id: UUID, wishes: Mapping[str, Any]) -> None:
    """Keep what a person prefers, in place of what was kept; raise `Invalid` for no LLM."""
    name = wishes["defaultModel"]
    if name is not None and llm_named(name) is None:
        raise Invalid(details=[Detail("defaultModel", "There is no LLM of this name.")])
    database.rows(_PREFER, (Json(dict(wishes)), person_id))
