"""The page is what Prometheus reads, as a reader of somebody else's finds."""

import shutil
import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families

from models.kernel.exposition import exposition
from models.kernel.measures import (
    BUILD,
    DATABASE_TRANSACTIONS,
    HTTP_IN_FLIGHT,
    HTTP_REFUSED,
    HTTP_SECONDS,
    measures,
)
from tests.conftest import MISSING

TOOK = ("histogram", HTTP_SECONDS.name, ("GET", "/v1/books/{book_id}", "2xx"))
COUNTED = {
    TOOK: [1.0, 2.0, *[0.0] * (HTTP_SECONDS.size - 4), 3.0, 91.25],
    ("counter", HTTP_REFUSED.name, ("NOT_FOUND",)): [4.0],
    ("gauge", HTTP_IN_FLIGHT.name, ()): [2.0],
}


def samples(page: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def test_counts_sums_and_cumulative_buckets_are_told() -> None:
    told = samples(exposition(COUNTED))
    route = {("method", "GET"), ("route", "/v1/books/{book_id}"), ("status", "2xx")}

    assert told[HTTP_REFUSED.name, frozenset({("code", "NOT_FOUND")})] == 4
    assert told[HTTP_IN_FLIGHT.name, frozenset()] == 2
    assert told[f"{HTTP_SECONDS.name}_bucket", frozenset({*route, ("le", "0.005")})] == 1
    assert told[f"{HTTP_SECONDS.name}_bucket", frozenset({*route, ("le", "30")})] == 3
    assert told[f"{HTTP_SECONDS.name}_bucket", frozenset({*route, ("le", "+Inf")})] == 6
    assert told[f"{HTTP_SECONDS.name}_count", frozenset(route)] == 6
    assert told[f"{HTTP_SECONDS.name}_sum", frozenset(route)] == 91.25


def test_what_was_found_out_is_told_beside_what_was_counted() -> None:
    told = samples(
        exposition(COUNTED, [(BUILD, ('1"2\\3',), 1.0), (DATABASE_TRANSACTIONS, ("commit",), 9.0)])
    )

    assert told[BUILD.name, frozenset({("version", '1"2\\3')})] == 1
    assert told[DATABASE_TRANSACTIONS.name, frozenset({("outcome", "commit")})] == 9


def test_what_another_release_counts_is_left_out() -> None:
    strange = {
        ("counter", "ilm_of_tomorrow_total", ()): [1.0],
        ("histogram", HTTP_SECONDS.name, ("GET", "/", "2xx")): [1.0, 2.0],
        ("counter", HTTP_REFUSED.name, ("a", "b")): [1.0],
    }

    assert samples(exposition(strange)) == {}


def test_names_are_unique_and_say_what_they_count_in() -> None:
    names = [metric.name for metric in measures()]
    counters = {metric.name for metric in measures() if metric.kind == "counter"}

    assert len(set(names)) == len(names)
    assert all(name.startswith("ilm_") for name in names)
    assert all(name.endswith("_total") for name in counters)


def test_promtool_has_nothing_to_say() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        MISSING["promtool"] = "promtool is not installed"
        pytest.skip("promtool is not installed")

    done = subprocess.run(
        [promtool, "check", "metrics"], input=exposition(COUNTED), capture_output=True, text=True,
        check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
