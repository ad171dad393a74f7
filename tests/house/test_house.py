"""The rules of the house, held by tests (STYLE)."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import pytest

from models.kernel.settings import Settings, variables

ROOT = Path(__file__).parents[2]
PACKAGES = ("api", "jobs", "models", "schedules", "workers")
HEAVY = ("pymupdf", "fitz", "PIL", "openai", "anthropic", "onnxruntime", "numpy", "markdown_it")


def sources(*packages: str) -> Iterator[Path]:
    for package in packages or PACKAGES:
        yield from (ROOT / package).rglob("*.py")


def names_used(path: Path) -> Iterator[str]:
    """Yield every dotted name of a file, imported aliases spelled out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    aliases = {
        (alias.asname or alias.name): f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield ast.unparse(node)
        elif isinstance(node, ast.Name):
            yield aliases.get(node.id, node.id)


@pytest.mark.parametrize(
    ("names", "home"),
    [
        (("os.environ", "os.getenv"), "models/kernel/settings.py"),
        (
            ("datetime.datetime.now", "datetime.now", "time.monotonic", "time.time"),
            "models/kernel/clock.py",
        ),
        (("uuid.uuid4", "uuid.uuid1", "uuid.uuid7", "uuid4"), "models/kernel/ids.py"),
    ],
    ids=["environment", "clock", "uuid"],
)
def test_is_read_in_one_file(names: tuple[str, ...], home: str) -> None:
    users = {
        str(path.relative_to(ROOT))
        for path in sources()
        if any(used in names for used in names_used(path))
    }

    assert users <= {home}


def test_importing_the_app_loads_nothing_heavy() -> None:
    code = f"import sys, api.app; print([m for m in {HEAVY!r} if m in sys.modules])"

    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert loaded.stdout.strip() == "[]"


@pytest.mark.parametrize("library", ["pymupdf", "PIL", "openai", "anthropic"])
def test_an_outside_library_is_imported_by_adapters_alone(library: str) -> None:
    users = {
        str(path.relative_to(ROOT))
        for path in sources()
        if any(root == library for root in _imported_roots(path))
    }

    assert all(user.startswith("workers/adapters/") for user in users)


def _imported_roots(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def test_an_init_is_a_docstring() -> None:
    odd = [
        path
        for path in sources()
        if path.name == "__init__.py"
        and not _is_only_a_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]

    assert odd == []


def _is_only_a_docstring(tree: ast.Module) -> bool:
    return len(tree.body) == 1 and ast.get_docstring(tree) is not None


def test_no_file_is_called_after_nothing() -> None:
    vague = {"utils", "helpers", "common", "misc", "base", "core"}

    assert [p for p in sources(*PACKAGES, "tests") if p.stem in vague] == []


BROAD = {"workers/middleware.py", "schedules/clock.py"}
BROAD |= {f"workers/adapters/pages/{part}.py" for part in ("child", "tasks")}
"""What must go on whatever happens: the desk, the clock, and the child that opens documents."""


def test_broad_catches_stand_in_three_places_alone() -> None:
    users = {
        str(path.relative_to(ROOT))
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler)
        and isinstance(node.type, ast.Name)
        and node.type.id == "Exception"
    }

    assert users <= BROAD


MONEY = ("models/kernel/money.py", "models/engine.py", "models/llms.py", "jobs/llms/complete.py")


@pytest.mark.parametrize("path", MONEY)
def test_no_float_touches_money(path: str) -> None:
    """Only the amounts count: waits and temperatures are floats, annotated as such."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))

    literals = [n for n in ast.walk(tree) if isinstance(n, ast.Constant) and type(n.value) is float]
    divisions = [
        n for n in ast.walk(tree) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Div)
    ]
    casts = [
        n
        for n in ast.walk(tree)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == "float"
    ]
    exact = [n for n in divisions if "Decimal" not in ast.unparse(n)]

    assert (literals, exact, casts) == ([], [], [])


def test_amounts_in_sql_are_whole_numbers() -> None:
    texts = [p.read_text(encoding="utf-8") for p in (ROOT / "models").rglob("*.sql")]
    lines = [line for text in texts for line in text.splitlines() if "_nano " in line]

    assert not [line for line in lines if any(w in line for w in ("numeric", "real", "double"))]


def test_env_example_lists_every_setting_and_no_other() -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    listed = {
        line.lstrip("# ").split("=")[0]
        for line in text.splitlines()
        if "=" in line and line.lstrip("# ").split("=")[0].isupper()
    }

    assert listed == set(variables())


def test_every_setting_says_what_it_is() -> None:
    told = {
        ast.unparse(entry.target)
        for declaring in Settings.__mro__[:-1]
        for entry, after in pairwise(_body_of(declaring))
        if isinstance(entry, ast.AnnAssign)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
    }

    assert told == {field.name for field in fields(Settings)}


def _body_of(declared: type) -> list[ast.stmt]:
    path = ROOT / f"{declared.__module__.replace('.', '/')}.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return next(
        node.body
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name == declared.__name__
    )


def test_the_top_level_holds_what_it_may() -> None:
    allowed = {*PACKAGES, "tests", "docs", "web", "sdk", "deploy"}
    allowed |= {"Procfile", "docker-compose.yml", "setup.cfg", "README.md", "Makefile"}
    allowed |= {"pyproject.toml", "LICENSE", "CHANGELOG.md"}
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()

    tops = {name.split("/")[0] for name in listed}

    assert {top for top in tops if not top.startswith(".")} <= allowed
