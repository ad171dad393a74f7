"""What a call costs: every class of token at its price, and a long prompt at its own (B-10)."""

from dataclasses import replace
from datetime import date

import pytest

from jobs.llms.ask import Ask
from jobs.llms.costs import charge, vendor_cost
from jobs.llms.counting import prompt_tokens, reserved
from jobs.llms.preparing import prepared
from jobs.llms.provider import Tokens
from jobs.llms.router import Caller
from models.kernel.money import CEIL_CENT, NANO_PER_CENT, Nano
from models.llms import llms

PRICE = llms()["claude-haiku-5-5"].price_on(date(2026, 11, 20))
"""Above 100 000 tokens of input everything is five times as dear, the answer too."""
ONE, NOTHING_ASKED = Tokens(input=1, output=0), Tokens(input=0, output=0)
SHORT = Tokens(
    input=100_000, output=1_000, cached=40_000, written=20_000, written_long=10_000, reasoning=500
)


def test_each_class_of_token_has_its_price() -> None:
    """30 000 fresh at 0.10, 40 000 at 0.01, 20 000 at 0.125, 10 000 at 0.20, 1 000 at 0.50 USD."""
    assert vendor_cost(SHORT, PRICE) == Nano(8_400_000)
    assert charge(SHORT, PRICE) == Nano(11_760_000)


@pytest.mark.parametrize(
    ("tokens", "exact", "cents"),
    [
        (SHORT, 11_760_000, 2),
        (Tokens(input=1, output=0), 140, 1),
        (Tokens(input=0, output=0), 0, 0),
    ],
)
def test_a_charge_is_exact_or_the_next_whole_cent_as_the_house_wants(
    tokens: Tokens, exact: int, cents: int
) -> None:
    """X-7."""
    assert charge(tokens, PRICE) == Nano(exact)
    assert charge(tokens, PRICE, CEIL_CENT) == Nano(cents * NANO_PER_CENT)


@pytest.mark.parametrize("reckoned", [charge, vendor_cost])
def test_one_token_more_than_a_short_prompt_has_makes_the_whole_call_dearer(reckoned) -> None:
    long = replace(SHORT, input=100_001, cached=40_001)

    assert reckoned(long, PRICE).amount - 5 * reckoned(SHORT, PRICE).amount in {50, 70}


def test_a_long_answer_makes_no_prompt_long() -> None:
    tokens = Tokens(input=10, output=200_000)

    assert vendor_cost(tokens, PRICE) == Nano(100_001_000)


def test_what_is_held_for_a_long_prompt_is_held_at_its_price() -> None:
    caller = Caller(
        tier="premium", mode="live", served=frozenset({"anthropic"}), today=date(2026, 11, 20)
    )
    held = {}
    for words in (60_000, 70_000):
        messages = ({"role": "user", "content": "word " * words},)
        ask = Ask(model="claude-haiku-5-5", messages=messages, max_tokens=100, falls_back=False)
        held[words] = prepared(ask, caller).hold
        reserve = Tokens(input=reserved(prompt_tokens(messages, {})), output=100)
        assert held[words] == charge(reserve, PRICE)

    assert held[70_000].amount > 5 * held[60_000].amount


@pytest.mark.parametrize(("ttl", "kind"), [("1h", "written_long"), (None, "written")])
@pytest.mark.parametrize("place", ["a part", "a tool", "the request"])
def test_what_is_held_covers_a_prompt_that_is_all_written_into_the_dearest_cache(
    place: str, ttl: str | None, kind: str
) -> None:
    """CONTRACT §5: Anthropic takes a quarter more for what is kept briefly, twice for an hour."""
    mark = {"cache_control": {"type": "ephemeral", **({"ttl": ttl} if ttl else {})}}
    part = {"type": "text", "text": "word " * 10_000, **(mark if place == "a part" else {})}
    tool = {"type": "function", "function": {"name": "look"}, **(mark if place == "a tool" else {})}
    ask = Ask(
        model="claude-haiku-5-5",
        messages=({"role": "user", "content": [part]},),
        options={"tools": [tool], **(mark if place == "the request" else {})},
        max_tokens=100,
        falls_back=False,
    )
    caller = Caller(
        tier="premium", mode="live", served=frozenset({"anthropic"}), today=date(2026, 11, 20)
    )

    held = prepared(ask, caller).hold

    prompt = reserved(prompt_tokens(ask.messages, ask.options))
    assert held == charge(replace(Tokens(input=prompt, output=100), **{kind: prompt}), PRICE)
    assert held > charge(Tokens(input=prompt, output=100), PRICE)
