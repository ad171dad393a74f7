"""Rules, dashboards and shippers speak of what the code counts and logs, and of nothing else."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from api.problems import catalogue
from jobs.watch.rules import rules as watch_rules
from models.kernel.measures import measures
from models.kernel.metrics import Metric
from tests.conftest import MISSING

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "deploy" / "observability"
DOC: Final = (ROOT / "docs" / "observability.md").read_text(encoding="utf-8")
RULES: Final[list[dict[str, Any]]] = [
    rule
    for group in yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
DASHBOARDS: Final = sorted((FOLDER / "grafana").glob("*.json"))
DECLARED: Final = {metric.name: metric for metric in measures()}
PROMETHEUS_OWN: Final = {"le", "job", "instance"}
LOGGED: Final = {"timestamp", "level", "logger", "event", "request_id", "job_id", "exception"}


def expressions() -> Iterator[tuple[str, str]]:
    """Yield every expression with where it stands."""
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            for target in panel["targets"]:
                yield f"{path.stem}: {panel['title']}", target["expr"]


EXPRESSIONS: Final = list(expressions())
every_expression = pytest.mark.parametrize(
    ("expression"), [e for _, e in EXPRESSIONS], ids=[w for w, _ in EXPRESSIONS]
)


def metric_of(name: str) -> Metric:
    """Return the metric behind a name in an expression, such as `…_seconds_bucket`."""
    parts = re.sub(r"_(?:bucket|sum|count)$", "", name)
    metric = DECLARED.get(name) or DECLARED.get(parts)
    assert metric is not None, f"nothing is counted as {name}"
    assert (name == metric.name) is (metric.kind != "histogram"), f"{name} is a {metric.kind}"
    return metric


@every_expression
def test_a_metric_that_is_asked_for_is_counted_and_told_apart_that_way(expression: str) -> None:
    names = re.findall(r"\bilm_[a-z_]+", expression)
    metrics = [metric_of(name) for name in names]
    labels = {label for metric in metrics for label in metric.labels}
    asked = {
        label.strip()
        for group in re.findall(r"\bby \(([^)]*)\)", expression)
        for label in group.split(",")
    }
    chosen = [
        (metric_of(name), re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", choice))
        for name, choice in re.findall(r"\b(ilm_[a-z_]+)\{([^}]*)\}", expression)
    ]

    assert metrics or expression.startswith("up{")
    assert asked <= labels | PROMETHEUS_OWN
    assert all(set(names) <= set(metric.labels) for metric, names in chosen)


@every_expression
def test_a_counter_is_asked_for_its_rate(expression: str) -> None:
    for name in re.findall(r"\bilm_[a-z_]+", expression):
        grows = metric_of(name).kind != "gauge"
        is_rated = re.search(rf"(?:rate|increase)\(\s*{name}\b", expression) is not None

        assert grows is is_rated, name


@every_expression
def test_a_code_that_is_asked_for_is_in_the_catalogue(expression: str) -> None:
    for choice in re.findall(r'code=~?"([^"]*)"', expression):
        assert set(choice.split("|")) <= set(catalogue())


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_an_alert_says_how_bad_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"]
    assert f"\n### {rule['alert']}\n" in DOC


def test_the_page_explains_every_metric_and_no_alert_that_is_gone() -> None:
    alerts = {rule["alert"] for rule in RULES}

    assert {name for name in DECLARED if f"`{name}`" not in DOC} == set()
    assert set(re.findall(r"^### (Ilm\w+)$", DOC, re.MULTILINE)) == alerts


def test_the_dashboards_show_every_metric() -> None:
    shown = {
        metric_of(name).name
        for where, expression in EXPRESSIONS
        if ":" in where
        for name in re.findall(r"\bilm_[a-z_]+", expression)
    }

    assert set(DECLARED) - shown <= {"ilm_build_info", "ilm_queue_paused"}


def test_prometheus_scrapes_every_process_of_the_fleet() -> None:
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    scraped = {
        target.split(":")[0]
        for job in config["scrape_configs"]
        for group in job["static_configs"]
        for target in group["targets"]
    }
    ours = {
        name
        for name, service in compose["services"].items()
        if service["image"].startswith("ilm:") and "jobs.migrate" not in str(service["command"])
    }

    assert scraped == ours
    assert config["rule_files"] == ["alerts.yml"]


def test_shippers_read_fields_that_are_logged() -> None:
    alloy = (FOLDER / "alloy.config").read_text(encoding="utf-8")
    beat = yaml.safe_load((FOLDER / "filebeat.yml").read_text(encoding="utf-8"))
    read = set(re.findall(r"^\s+(\w+) +=\s+\"\",$", alloy, re.MULTILINE))
    renamed = {
        field["from"].removeprefix("ilm.")
        for step in beat["processors"]
        for field in step.get("rename", {}).get("fields", ())
    }

    assert {"timestamp", "level", "request_id"} <= read <= LOGGED
    assert {"level", "request_id", "exception"} <= renamed <= LOGGED
    assert beat["processors"][0]["timestamp"]["field"] == "ilm.timestamp"


@pytest.mark.parametrize(
    "arguments",
    [("check", "rules", "alerts.yml"), ("check", "config", "--syntax-only", "prometheus.yml")],
    ids=["rules", "config"],
)
def test_promtool_agrees(arguments: tuple[str, ...]) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        MISSING["promtool"] = "promtool is not installed"
        pytest.skip("promtool is not installed")

    done = subprocess.run(
        [promtool, *arguments], cwd=FOLDER, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_watch_speaks_of_alerts_that_are_explained() -> None:
    assert set(watch_rules()) <= {rule["alert"] for rule in RULES}


@pytest.mark.parametrize("name", sorted(watch_rules()))
def test_the_watch_is_as_grave_about_an_alert_as_prometheus(name: str) -> None:
    (rule,) = (rule for rule in RULES if rule["alert"] == name)

    assert watch_rules()[name].severity == rule["labels"]["severity"]
