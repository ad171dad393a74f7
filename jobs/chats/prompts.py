"""Prompts: templates with `{{variables}}`, filled in by words alone (M-38, M-39)."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from models.chats import Prompt, Talker
from models.kernel.database import database
from models.kernel.errors import Conflict, Detail, Invalid

MOST_PROMPTS: Final = 1_000
MOST_VARIABLES: Final = 50
LONGEST_RENDERED: Final = 200_000

_VARIABLE: Final = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]{0,62})\s*\}\}")


def variables_of(template: str) -> list[str]:
    """Return the names a template leaves open, in order, each once."""
    return list(dict.fromkeys(_VARIABLE.findall(template)))


def render(template: str, values: Mapping[str, str]) -> str:
    """Return a template with its variables filled in, once: what is filled in is not read again.

    Raises `Invalid` for a variable without a value, a value without a variable, a text too long.
    """
    names = variables_of(template)
    faults = [Detail(f"variables.{name}", "Missing.") for name in names if name not in values]
    faults += [Detail(f"variables.{name}", "Unknown.") for name in values if name not in names]
    if faults:
        raise Invalid(details=faults)
    text = _VARIABLE.sub(lambda found: values[found[1]], template)
    if len(text) > LONGEST_RENDERED:
        words = f"Longer than {LONGEST_RENDERED} characters when filled in."
        raise Invalid(details=[Detail("variables", words)])
    return text


def keep(whose: Talker, about: Mapping[str, Any]) -> Prompt:
    """Put a prompt into somebody's library; raise `Conflict` when that is full."""
    _check(about)
    if Prompt.of(whose).count() >= MOST_PROMPTS:
        raise Conflict(f"a library holds {MOST_PROMPTS} prompts at most")
    made: Prompt = Prompt.create(
        account_id=whose.account_id, person_id=whose.person_id, mode=whose.mode, **about
    )
    return _fresh(made.id)


def change(prompt: Prompt, changes: Mapping[str, Any], now: datetime) -> Prompt:
    """Change what its owner says of a prompt."""
    _check(changes)
    Prompt.update(**changes, updated_at=now).where(Prompt.id == prompt.id).execute()
    return _fresh(prompt.id)


def forget(prompt: Prompt) -> None:
    """Take a prompt out of the library."""
    database.rows("delete from prompt where id = %s", (prompt.id,))


def _fresh(prompt_id: UUID) -> Prompt:
    row: Prompt = Prompt.get_by_id(prompt_id)
    return row


def _check(about: Mapping[str, Any]) -> None:
    if len(variables_of(about.get("template", ""))) > MOST_VARIABLES:
        words = f"More than {MOST_VARIABLES} variables."
        raise Invalid(details=[Detail("template", words)])
