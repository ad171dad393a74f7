"""The list of LLMs: to the letter of M-32, by tier, vendor and mode."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from models.kernel.database import Pool
from models.llms import llms
from tests import factories
from tests.api.browser import Browser
from tests.api.conftest import Open, code
from tests.api.reader import Reader

PATH = "/v1/ai/models"
FREE_ONES = {"qwen-turbo", "gpt-4o-mini", "gemini-1.5-flash", "deepseek-chat", "claude-3-haiku"}
LOCAL = {"ilm", "ollama"}
KEYS = {"dashscope_api_key": "k", "openai_api_key": "k", "gemini_api_key": "k"}
KEYS |= {"deepseek_api_key": "k", "anthropic_api_key": "k"}

Browse = Callable[..., Browser]


@pytest.fixture
def browse(database: Pool, open_browser: Open) -> Browse:
    """Open a browser on an installation with these settings."""

    def open_(**settings: Any) -> Browser:
        return open_browser(**settings)

    return open_


def accessible(reader: Reader) -> set[str]:
    listed = reader.get(PATH).json["data"]
    return {entry["id"] for entry in listed if entry["accessible"]}


def test_an_llm_is_listed_as_the_requirements_spell_it(browse: Browse) -> None:
    listed = Reader(browse(**KEYS)).get(PATH).json["data"]

    (qwen,) = [entry for entry in listed if entry["id"] == "qwen-turbo"]
    assert {
        "id": "qwen-turbo",
        "name": "Qwen Turbo",
        "vendor": "qwen",
        "maxTokens": 8192,
        "inputCostPer1M": 0.10,
        "outputCostPer1M": 0.30,
        "premium": False,
        "accessible": True,
        "cachedInputCostPer1M": 0.10,
        "priceId": "qwen-turbo@2026-11-01",
        "markupPercent": 40,
    }.items() <= qwen.items()
    assert [entry["id"] for entry in listed] == list(llms())


def test_a_listed_price_is_the_catalogues_to_the_last_digit(browse: Browse) -> None:
    text = Reader(browse()).get(PATH).text

    for entry in json.loads(text, parse_float=Decimal)["data"]:
        price = next(p for p in llms()[entry["id"]].prices if p.id == entry["priceId"])
        assert entry["inputCostPer1M"] * 1_000_000 == price.input
        assert entry["outputCostPer1M"] * 1_000_000 == price.output
        assert entry["cachedInputCostPer1M"] * 1_000_000 == price.cached


def test_what_a_long_prompt_costs_is_listed_where_it_costs_more(browse: Browse) -> None:
    listed = {each["id"]: each["longPrompt"] for each in Reader(browse()).get(PATH).json["data"]}

    assert listed["grok-4.7"] == {
        "above": 199_999,
        "inputCostPer1M": 4,
        "outputCostPer1M": 12,
        "cachedInputCostPer1M": 1,
    }
    assert listed["gpt-4o"] is None


@pytest.mark.parametrize(
    ("tier", "wanted"),
    [("free", FREE_ONES), ("premium", {n for n, llm in llms().items() if llm.vendor not in LOCAL})],
    ids=["free", "premium"],
)
def test_a_tier_sees_what_it_may_use(browse: Browse, tier: str, wanted: set[str]) -> None:
    everything = KEYS | {"xai_api_key": "k", "mistral_api_key": "k", "llama_api_key": "k"}
    everything |= {"llama_base_url": "http://127.0.0.1:9", "ollama_base_url": "http://127.0.0.1:9"}

    reader = Reader(browse(**everything), factories.person(tier=tier))

    assert accessible(reader) == wanted | {n for n, llm in llms().items() if llm.vendor in LOCAL}


def test_an_enterprise_may_use_every_llm_whose_vendor_is_here(browse: Browse) -> None:
    reader = Reader(browse(openai_api_key="k"), factories.person(tier="enterprise"))

    assert accessible(reader) == {n for n, m in llms().items() if m.vendor in {"ilm", "openai"}}


def test_without_any_vendor_the_sandbox_alone_is_accessible(browse: Browse) -> None:
    assert accessible(Reader(browse())) == {"ilm-extractive"}


def test_a_test_key_may_use_every_name(browse: Browse) -> None:
    assert accessible(Reader(browse(), mode="test")) == set(llms())


def test_a_key_that_may_not_use_llms_is_refused(browse: Browse) -> None:
    answer = Reader(browse(), scopes=["books:read"]).get(PATH)

    assert code(answer) == (403, "INSUFFICIENT_PERMISSIONS")
