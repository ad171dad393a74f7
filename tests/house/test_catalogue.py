"""What has to match: jobs and actors, errors and their entries, tables and models (STYLE)."""

import ast
import dataclasses
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name, walk_packages
from types import SimpleNamespace
from typing import Any, get_origin, get_type_hints
from uuid import UUID

import pytest
from dramatiq.brokers.stub import StubBroker
from marshmallow import Schema
from peewee import Field

import api
import jobs
import models
import schedules
import workers
from api.endpoints import ANY_PRINCIPAL, LOGGED_IN, PUBLIC
from api.problems import catalogue
from api.resources.jobs import submissions
from api.routes.table import endpoints
from jobs.job import Job
from jobs.schedules.calendar import schedules as calendar
from models.catalogue.queues import QueuePolicy, queues, served_by
from models.kernel.database import Pool, Table
from models.kernel.errors import IlmError
from models.kernel.settings import Settings
from models.roles import permissions
from schedules.works import works
from tests.api.conftest import parts_for
from tests.factories import FACTORIES
from workers.__main__ import CREWS

ROOT = Path(__file__).parents[2]
UNREACHED = Settings(database_url="postgresql://x@127.0.0.1:1/x", redis_url="redis://127.0.0.1:1")
PACKAGES = (api, jobs, models, schedules, workers)
ONLY_PARENTS = {"Refused", "DocumentRefused"}
"""Caught as a family, raised as one of their children."""
WRITTEN_BY_SQL = {
    "ledger_entry", "usage_line", "page_wish", "llm_call", "plan",
    "credit_period", "usage_day", "usage_dirty", "usage_rolled",
}  # fmt: skip
WRITTEN_BY_SQL |= {"experiment_answer", "generation"}
MIGRATIONS_OWN = "schema_migration"
DATABASE_TYPES = {
    "uuid": {"UUIDField", "ForeignKeyField"},
    "date": {"DateField"},
    "text": {"CharField", "TextField"},
    "boolean": {"BooleanField"},
    "smallint": {"SmallIntegerField"},
    "integer": {"IntegerField"},
    "bigint": {"BigIntegerField"},
    "real": {"FloatField", "DoubleField"},
    "bytea": {"BlobField"},
    "jsonb": {"BinaryJSONField"},
    "jsonpath": {"TextField"},
    "ARRAY": {"ArrayField"},
    "timestamp with time zone": {"DateTimeTZField"},
}


def family(parent: type[Any]) -> set[type[Any]]:
    """Return every class below one, in the modules of the house."""
    for package in PACKAGES:
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__") and ".migrations." not in module.name:
                import_module(module.name)
    return {child for child in below(parent) if is_ours(child)}


def below(parent: type[Any]) -> Iterator[type[Any]]:
    for child in parent.__subclasses__():
        yield child
        yield from below(child)


def is_ours(kind: type[Any]) -> bool:
    """Say whether a class stands in the house: not a test's, and not what slots replaced."""
    home = sys.modules[kind.__module__]
    is_house = kind.__module__.partition(".")[0] in {each.__name__ for each in PACKAGES}
    return is_house and getattr(home, kind.__name__, None) is kind


def actors() -> dict[str, Counter[str]]:
    """Return the actors that each kind of worker declares, with their queues."""
    declared: dict[str, Counter[str]] = {}
    for kind, crew in CREWS.items():
        broker = StubBroker()
        declared[kind] = Counter()
        original = broker.declare_actor

        def declare(actor: Any, kind: str = kind, original: Any = original) -> None:
            declared[kind][f"{actor.actor_name}@{actor.queue_name}"] += 1
            original(actor)

        broker.declare_actor = declare  # type: ignore[method-assign]
        tools = SimpleNamespace(
            broker=broker, clock=None, workroom=None, blobs=None, settings=UNREACHED
        )
        for enlist in crew:
            resolve_name(enlist)(tools)
    return declared


def test_every_job_value_has_exactly_one_actor_at_the_worker_that_serves_its_queue() -> None:
    declared = actors()
    wanted = {
        worker: {
            f"{kind.name}@{kind.queue}" for kind in family(Job) if queues()[kind.queue] in policies
        }
        for worker, policies in ((worker, served_by(worker)) for worker in CREWS)
    }

    assert {worker: set(names) for worker, names in declared.items()} == wanted
    assert all(count == 1 for names in declared.values() for count in names.values())


def test_no_two_job_values_share_a_name() -> None:
    names = Counter(kind.name for kind in family(Job))

    assert [name for name, count in names.items() if count > 1] == []


def test_every_queue_is_served_by_one_crew_and_its_policy_is_whole() -> None:
    assert {policy.worker for policy in queues().values()} == set(CREWS)
    for policy in queues().values():
        assert isinstance(policy, QueuePolicy)
        assert policy.thread_count(Settings()) > 0
        assert 0 < policy.backoff <= policy.backoff_cap
        assert 0 < policy.lease < policy.deadline
        assert policy.attempts >= 1


def test_every_public_job_has_a_schema_and_no_other_can_be_submitted() -> None:
    public = {kind.name for kind in family(Job) if kind.is_public}

    assert set(submissions()) == public
    assert all(isinstance(each.schema, Schema) for each in submissions().values())


def test_every_job_value_comes_back_from_its_row_as_it_was() -> None:
    for kind in family(Job):
        made = kind(**{name: sample(hint) for name, hint in inputs(kind).items()})
        kept = json.loads(json.dumps(made.to_input()))

        assert kind.from_input(kept) == made


def inputs(kind: type[Job]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def sample(hint: Any) -> Any:
    """Return a value of a type that a job value may have."""
    if get_origin(hint) is Mapping:
        return {"steps": []}
    if get_origin(hint) is tuple:
        return ({"role": "user", "content": "hello"},)
    plain = {str: "words", int: 3, float: 0.5, bool: True, UUID: UUID(int=7)}
    return next(value for kind, value in plain.items() if hint in {kind, kind | None})


def test_every_schedule_has_work_and_every_work_a_schedule() -> None:
    tools = SimpleNamespace(settings=UNREACHED, clock=None, queue=None, watch=None, blobs=None)

    assert set(works(tools)) == set(calendar())  # type: ignore[arg-type]  # nothing is done


def test_every_error_has_an_entry_and_every_entry_an_error() -> None:
    classes = {IlmError, *family(IlmError)}

    assert {error.code for error in classes} == set(catalogue())
    assert all(error.__doc__ for error in classes)


def test_somebody_raises_every_error() -> None:
    raised = {name for tree in sources() for name in names_made(tree)}
    in_sql = " ".join(p.read_text(encoding="utf-8") for p in (ROOT / "models").rglob("*.sql"))
    idle = {
        error.__name__
        for error in family(IlmError)
        if error.__name__ not in raised and f"'{error.code}'" not in in_sql
    }

    assert idle == ONLY_PARENTS


def sources() -> Iterator[ast.AST]:
    for package in PACKAGES:
        for path in (ROOT / package.__name__).rglob("*.py"):
            yield ast.parse(path.read_text(encoding="utf-8"))


def names_made(tree: ast.AST) -> Iterator[str]:
    """Yield what is raised, called, or named as a value of a table of errors."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None:
            yield last_name(node.exc)
        elif isinstance(node, ast.Call):
            yield last_name(node.func)
            if isinstance(node.func, ast.Attribute):
                yield last_name(node.func.value)
        elif isinstance(node, ast.Dict):
            yield from map(last_name, node.values)


def last_name(node: ast.expr) -> str:
    return ast.unparse(node).rpartition(".")[2]


def test_every_route_asks_for_one_permission_that_exists(tmp_path: Path) -> None:
    asked = {each.permission for each in endpoints(parts_for(tmp_path, settings={}))}

    assert asked <= permissions() | {PUBLIC, ANY_PRINCIPAL, LOGGED_IN}


def columns(database: Pool) -> dict[str, dict[str, tuple[str, bool, bool]]]:
    """Return every table's columns: type, whether null is allowed, whether one may leave it out."""
    found: dict[str, dict[str, tuple[str, bool, bool]]] = {}
    for table, name, kind, nullable, has_default in database.rows(
        "select table_name, column_name, data_type, is_nullable = 'YES',"
        " column_default is not null or is_identity = 'YES' or is_generated = 'ALWAYS'"
        " from information_schema.columns where table_schema = 'public'"
    ):
        found.setdefault(table, {})[name] = (kind, nullable, has_default)
    found.pop(MIGRATIONS_OWN)
    return found


def models_by_table() -> dict[str, type[Table]]:
    return {each._meta.table_name: each for each in family(Table)}


def test_every_table_has_a_model_or_is_sqls_alone_and_every_model_a_table(database: Pool) -> None:
    assert set(columns(database)) == set(models_by_table()) | WRITTEN_BY_SQL


def test_every_column_of_a_model_is_one_of_its_table(database: Pool) -> None:
    """Names, types and nullability agree; what a model leaves out, the table fills in."""
    tables = columns(database)
    for name, model in models_by_table().items():
        fields: dict[str, Field] = {each.column_name: each for each in model._meta.sorted_fields}
        assert set(fields) <= set(tables[name]), name
        for column, (kind, nullable, has_default) in tables[name].items():
            if column in fields:
                assert type(fields[column]).__name__ in DATABASE_TYPES[kind], (name, column)
                assert fields[column].null is nullable, (name, column)
            else:
                assert has_default or nullable, (name, column)


@pytest.mark.parametrize("table", sorted(FACTORIES))
def test_a_factory_makes_a_row_its_table_allows(database: Pool, table: str) -> None:
    FACTORIES[table]()

    assert database.rows(f"select count(*) >= 1 from {table}") == [(True,)]


def test_every_table_has_a_factory(database: Pool) -> None:
    assert set(FACTORIES) == set(columns(database))
