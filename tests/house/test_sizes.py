"""The limits of STYLE "Size": reach one, and the code is asking for a name it does not have yet."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("api", "jobs", "models", "schedules", "workers")
FILE = 300
FUNCTION = 40
PARAMETERS = 5
TABLES = ("api/routes/",)
"""Files of routes are tables, one row after the other: their functions are as long as the table."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions() -> Iterator[tuple[str, Function]]:
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            name = str(path.relative_to(ROOT))
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, Function):
                    yield f"{name}:{node.name}", node


def test_no_file_is_longer_than_three_hundred_lines() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for package in (*PACKAGES, "tests")
        for path in (ROOT / package).rglob("*.py")
    }

    assert {name: n for name, n in lengths.items() if n > FILE} == {}


def test_no_function_is_longer_than_forty_lines() -> None:
    lengths = {name: (node.end_lineno or 0) - node.lineno + 1 for name, node in functions()}

    assert {
        name: n for name, n in lengths.items() if n > FUNCTION and not name.startswith(TABLES)
    } == {}


def test_no_function_takes_more_than_five_parameters_by_position() -> None:
    counts = {
        name: len([a for a in (*node.args.posonlyargs, *node.args.args) if a.arg != "self"])
        for name, node in functions()
    }

    assert {name: n for name, n in counts.items() if n > PARAMETERS} == {}
