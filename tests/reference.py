"""`make docs`: write the reference pages of `docs/reference` again, from the code."""

import json
import sys
from pathlib import Path
from typing import Any, Final

from api.app import assemble, parts_of
from api.openapi import document
from models.catalogue.reader import read
from models.kernel.release import VERSION
from models.kernel.settings import Settings

FOLDER: Final = Path(__file__).parents[1] / "docs/reference"
SETTINGS: Final = Settings(
    home=Path("var"),
    database_url="postgresql://127.0.0.1/ilm",
    redis_url="redis://127.0.0.1",
    secret_key="only for writing the reference pages",
)


def pages() -> dict[str, str]:
    """Return the text of every reference page by its file's name."""
    return {"openapi.json": f"{json.dumps(openapi(), indent=1)}\n", "errors.md": errors()}


def openapi() -> dict[str, Any]:
    """Return the OpenAPI document of every route."""
    parts = parts_of(SETTINGS)
    table = assemble(parts).table
    for close in parts.closings.values():
        close()
    return document(table, version=VERSION, base_url=SETTINGS.base_url)


def errors() -> str:
    """Return the error codes as a table."""
    lines = ["# Errors", "", "Every refusal carries one of these codes.", ""]
    lines += ["| code | status | what happened | what to do |", "|---|---|---|---|"]
    for code, entry in sorted(read("errors").items()):
        cells = (f"`{code}`", entry["status"], entry["meaning"], entry["remedy"])
        lines.append(f"| {' | '.join(str(cell) for cell in cells)} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the pages."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
