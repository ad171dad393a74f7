"""The catalogue of LLMs: whom the requirements name, what they cost, and who stands in for whom."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from genai_prices.data import providers
from genai_prices.types import TieredPrices

from models.catalogue.reader import read
from models.embedders import embedder_named, embedders
from models.kernel.errors import ModelNotFound
from models.llms import ABILITIES, FREE, PREMIUM, llm_named, llms, vendors
from models.prices import price_named
from tests.prices import SELLERS, compared, report, table

TODAY = date(2026, 11, 20)
NAMED = [
    "qwen-turbo",
    "qwen-plus",
    "qwen-max",
    "gpt-4o-mini",
    "gpt-4o",
    "gpt-4-turbo",
    "gpt-4",
    "gpt-3.5-turbo",
    "o1",
    "o1-preview",
    "o1-mini",
    "claude-3-haiku",
    "claude-3-5-sonnet",
    "claude-3-opus",
    "claude-3-sonnet",
    "gemini-1.5-flash",
    "gemini-1.5-pro",
    "gemini-2.0-flash",
    "grok-beta",
    "grok-2",
    "deepseek-chat",
    "deepseek-coder",
]
FREE_ONES = {"qwen-turbo", "gpt-4o-mini", "gemini-1.5-flash", "deepseek-chat", "claude-3-haiku"}
MATRIX = {
    "summary": ("qwen-turbo", "qwen-turbo"),
    "reasoning": ("gpt-4o-mini", "gpt-4o"),
    "creative": ("claude-3-haiku", "claude-3-sonnet"),
    "code": ("deepseek-chat", "deepseek-coder"),
    "general": ("qwen-turbo", "gpt-4o-mini"),
}
USUAL = ["openai", "anthropic", "qwen", "deepseek"]

routing: Mapping[str, Any] = read("routing")


def test_every_llm_the_requirements_name_is_there() -> None:
    assert set(NAMED) <= set(llms())


def test_every_vendor_has_an_llm_and_every_llm_a_vendor() -> None:
    assert {llm.vendor for llm in llms().values()} == set(vendors())
    assert {model.vendor for model in embedders().values()} <= set(vendors())


def test_the_free_tier_has_five_llms_and_those_that_cost_nothing() -> None:
    free = {name for name, llm in llms().items() if llm.tier == FREE}
    at_no_cost = {name for name, llm in llms().items() if llm.price_on(TODAY).is_free}

    assert free == FREE_ONES | at_no_cost
    assert {llm.tier for llm in llms().values()} == {FREE, PREMIUM}
    assert {llms()[name].vendor for name in at_no_cost} == {"ilm", "ollama"}


@pytest.mark.parametrize(
    ("name", "pico"),
    [("qwen-turbo", (100_000, 300_000)), ("gpt-4o-mini", (150_000, 600_000))],
)
def test_a_price_the_requirements_split_is_theirs(name: str, pico: tuple[int, int]) -> None:
    price = llms()[name].price_on(TODAY)

    assert (price.input, price.output) == pico


def test_a_price_is_found_again_by_the_id_a_charge_keeps() -> None:
    ids = [price.id for llm in llms().values() for price in llm.prices]
    ids += [price.id for model in embedders().values() for price in model.prices]

    assert len(ids) == len(set(ids))
    for llm in llms().values():
        assert [price_named(price.id) for price in llm.prices] == list(llm.prices)


def test_a_price_changes_on_its_day() -> None:
    argon = llms()["gemini-4-argon"]

    assert argon.price_on(date(2026, 11, 30)).input == 2_000_000
    assert argon.price_on(date(2026, 12, 1)).input == 4_000_000


def test_before_its_first_price_an_llm_or_an_embedder_is_refused() -> None:
    before = date(2020, 1, 1)

    for model in (*llms().values(), *embedders().values()):
        with pytest.raises(ModelNotFound):
            model.price_on(before)


def test_reading_from_a_cache_never_costs_more_and_writing_to_it_for_long_never_less() -> None:
    for llm in llms().values():
        for price in llm.prices:
            assert price.cached <= price.input, price.id
            assert price.written <= price.written_long or llm.vendor == "openai", price.id


def test_a_retired_llm_names_a_living_one_of_its_vendor() -> None:
    retired = [llm for llm in llms().values() if llm.deprecated]

    assert {"o1-preview", "claude-3-haiku", "grok-beta"} <= {llm.name for llm in retired}
    for llm in retired:
        successor = llm_named(str(llm.successor))
        assert successor is not None
        assert (successor.vendor, successor.deprecated) == (llm.vendor, False)


def test_an_answer_fits_into_the_window_and_abilities_are_known() -> None:
    for llm in llms().values():
        assert 0 < llm.max_output <= llm.window, llm.name
        assert llm.abilities <= ABILITIES, llm.name


def test_where_a_vendor_charges_more_for_a_long_prompt_so_do_we() -> None:
    tiered = {}
    for llm in llms().values():
        provider, _ = SELLERS.get(llm.vendor, ("", ""))
        found = next((p.find_model(llm.served_as) for p in providers if p.id == provider), None)
        prices = vars(found.prices) if found and not isinstance(found.prices, list) else {}
        if isinstance(said := prices.get("input_mtok"), TieredPrices):
            tiered[llm.name] = said.tiers[0].start

    ours = {name: llm.price_on(TODAY) for name, llm in llms().items()}

    assert len(tiered) >= 10
    assert {name: price.above for name, price in ours.items() if price.long} == tiered


def test_a_long_prompt_is_no_cheaper_and_fits_into_the_window() -> None:
    for llm in llms().values():
        for price in llm.prices:
            long = price.of(llm.window)
            assert price.of(price.above) is price
            assert long.id == price.id
            for kind in ("input", "output", "cached", "written", "written_long"):
                assert getattr(long, kind) >= getattr(price, kind), price.id
            assert long is price or price.above < llm.window, price.id


def test_the_usual_window_ends_where_a_prompt_becomes_a_long_one() -> None:
    assert (llms()["gpt-6-luna"].usual_window, llms()["gpt-6-luna"].window) == (272_000, 1_050_000)
    assert llms()["gpt-4o"].usual_window == llms()["gpt-4o"].window


def test_an_embedder_says_how_long_its_vectors_are_and_what_reading_costs() -> None:
    small = embedder_named("text-embedding-3-small")

    assert small is not None
    assert (small.dimensions, small.shortens, small.price_on(TODAY).input) == (1536, True, 20_000)
    assert all(model.price_on(TODAY).output == 0 for model in embedders().values())
    assert embedder_named("nobody") is None


def test_the_matrix_is_that_of_the_requirements() -> None:
    tasks = routing["tasks"]

    assert {task: (row["free"], row["premium"]) for task, row in tasks.items()} == MATRIX
    assert all(llms()[free].tier == FREE for free, _ in MATRIX.values())


def test_the_chains_begin_in_the_order_of_the_requirements() -> None:
    usual, frugal = routing["chains"]["usual"], routing["chains"]["frugal"]

    assert [llms()[name].vendor for name in usual[:4]] == USUAL
    assert frugal[:3] == ["qwen-turbo", "deepseek-chat", "gpt-4o-mini"]
    assert set(routing["preferences"].values()) == set(routing["chains"])


def test_whoever_the_routing_names_is_in_the_catalogue() -> None:
    lists = (*routing["chains"].values(), *routing["siblings"].values())
    named = {name for names in lists for name in names}
    defaults = dict(routing["defaults"])
    embedder = defaults.pop("embedder")

    assert named | set(defaults.values()) <= set(llms())
    assert embedder_named(embedder) is not None
    assert set(routing["siblings"]) == set(vendors())
    for vendor, names in routing["siblings"].items():
        assert {llms()[name].vendor for name in names} <= {vendor}


def test_the_words_of_a_task_are_patterns_that_compile_and_belong_to_a_task() -> None:
    assert set(routing["task_words"]) == set(routing["tasks"])
    for entry in routing["task_words"].values():
        assert all(word == word.casefold() for word in entry["words"])
        assert all(re.compile(pattern) for pattern in entry["patterns"])


def test_the_comparison_finds_what_is_equal_what_differs_and_what_is_missing() -> None:
    mini = {"input_cost_per_token": Decimal("1.5e-7"), "output_cost_per_token": Decimal("6e-7")}
    wrong = {"input_cost_per_token": Decimal("9e-7"), "output_cost_per_token": Decimal("9e-7")}
    sets = {"gpt-4o-mini": mini, "gpt-4o": wrong}

    rows = compared(sets, TODAY)

    verdicts = {row.name: row.verdict for row in rows}
    assert verdicts["gpt-4o-mini"] == "equal"
    assert verdicts["gpt-4o"] == "differs"
    assert verdicts["gpt-4.1"] == "missing in LiteLLM"
    assert verdicts["qwen-plus"] == "missing in genai-prices and LiteLLM"
    assert "| gpt-4o | input | 2.5 | 2.5 | 0.9 | differs |" in table(rows)
    assert "`gpt-4o-mini`." in report(rows, TODAY)


def test_the_comparison_knows_of_long_prompts() -> None:
    luna = {
        "input_cost_per_token": Decimal("1e-7"),
        "output_cost_per_token": Decimal("5e-7"),
        "input_cost_per_token_above_272k_tokens": Decimal("2e-7"),
        "output_cost_per_token_above_272k_tokens": Decimal("9e-7"),
        "output_cost_per_token_above_272k_tokens_flex": Decimal(0),
    }
    mini = {
        "input_cost_per_token": Decimal("1.5e-7"),
        "output_cost_per_token": Decimal("6e-7"),
        "input_cost_per_token_above_128k_tokens": Decimal("3e-7"),
    }

    differing = {
        row.name: row.differing
        for row in compared({"gpt-6-luna": luna, "gpt-4o-mini": mini}, TODAY)
    }

    assert differing["gpt-6-luna"] == ("long output",)
    assert differing["gpt-4o-mini"] == ("above",)
