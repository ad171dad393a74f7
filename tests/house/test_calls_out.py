"""Who calls out of the house, and why it need not go through `models/kernel/http.py` (Z-03)."""

import ast
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("api", "jobs", "models", "schedules", "workers")
CALLING: Final = {
    "aiohttp", "anthropic", "ftplib", "httpcore2", "httpx", "httpx2", "imaplib", "openai",
    "requests", "smtplib", "urllib3",
}  # fmt: skip
CALLING_MODULES: Final = {"http.client", "urllib.request", "xmlrpc.client"}
GUARD: Final = "the guard itself"
OPERATOR: Final = "calls what an operator has named in the settings"
KNOWN: Final = {
    "models/kernel/http.py": GUARD,
    "models/kernel/lines.py": GUARD,
    "models/kernel/places.py": GUARD,
    "models/kernel/unanswered.py": GUARD,
    "models/kernel/restarter.py": "asks our own web whether it is well",
    "jobs/post_offices.py": OPERATOR,
    "jobs/safety/endpoint.py": OPERATOR,
    "jobs/watch/bells.py": OPERATOR,
    "workers/adapters/llms/": OPERATOR,
}


def callers() -> set[str]:
    found = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            if any(map(_calls_out, ast.walk(tree))):
                found.add(str(path.relative_to(ROOT)))
    return found


def _calls_out(node: ast.AST) -> bool:
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    if isinstance(node, ast.ImportFrom) and node.module:
        names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return any(name.split(".")[0] in CALLING or name in CALLING_MODULES for name in names)


def test_whoever_calls_out_goes_through_the_guard_or_says_why_not() -> None:
    """An address that somebody outside has named goes through the guard, whoever it is for."""
    unknown = {path for path in callers() if not path.startswith(tuple(KNOWN))}

    assert unknown == set()


def test_nobody_is_excused_who_does_not_call_out() -> None:
    found = callers()

    assert [path for path in KNOWN if not any(each.startswith(path) for each in found)] == []
