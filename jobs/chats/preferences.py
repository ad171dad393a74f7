"""Preferences: whom a person likes to be answered by, how, and how strictly (A-31, M-36)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self
from uuid import UUID

from psycopg2.extras import Json

from models.kernel.database import database
from models.kernel.errors import Detail, Invalid
from models.llms import llm_named, vendors

_PREFER: Final = "update person set ai_preferences = %s, updated_at = now() where id = %s"


def prefer(person_id: UUID, wishes: Mapping[str, Any]) -> None:
    """Keep what a person prefers, in place of what was kept.

    Raises `Invalid` for an LLM or a vendor nobody knows.
    """
    name, vendor = wishes["defaultModel"], wishes["vendor"]
    if name is not None and llm_named(name) is None:
        raise Invalid(details=[Detail("defaultModel", "There is no LLM of this name.")])
    if vendor is not None and vendor not in vendors():
        known = ", ".join(sorted(vendors()))
        raise Invalid(details=[Detail("vendor", f"Must be one of: {known}.")])
    database.rows(_PREFER, (Json(dict(wishes)), person_id))


@dataclass(frozen=True, slots=True)
class Manner:
    """How answers of a chat are made unless a message says otherwise (A-31)."""

    temperature: float | None
    max_tokens: int | None

    @classmethod
    def of(cls, chat: Mapping[str, Any], person: Mapping[str, Any]) -> Self:
        """Read it from a chat's settings, and from a person's preferences what it leaves open."""
        own = {name: value for name, value in chat.items() if value is not None}
        wishes = {**person, **own}
        return cls(wishes.get("temperature"), wishes.get("maxTokens"))

    @property
    def options(self) -> dict[str, Any]:
        """What of it is an option of a call."""
        return {} if self.temperature is None else {"temperature": self.temperature}
