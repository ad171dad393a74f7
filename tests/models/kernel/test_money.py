"""Money: whole nano-USD, rounded once, half up, and exact in every sum."""

from fractions import Fraction
from random import Random

import pytest

from models.kernel.money import NANO_PER_CENT, NANO_PER_USD, ZERO, Nano, cost_of

SEED = 20261120


@pytest.mark.parametrize(
    ("lines", "markup", "cost"),
    [
        ([], True, 0),
        ([(0, 5_000_000)], True, 0),
        ([(1, 1_000)], False, 1),
        ([(1, 499)], False, 0),
        ([(1, 500)], False, 1),
        ([(1, 1_000)], True, 1),  # 1.4
        ([(1, 1_071)], True, 1),  # 1.4994
        ([(1, 1_072)], True, 2),  # 1.5008
        ([(1_000_000, 3_000_000), (1_000_000, 15_000_000)], True, 25_200_000_000),
    ],
)
def test_a_cost_is_rounded_once_half_up(
    lines: list[tuple[int, int]], markup: bool, cost: int
) -> None:
    assert cost_of(lines, markup=markup) == Nano(cost)


def test_a_cost_is_never_further_from_the_exact_one_than_half_a_nano() -> None:
    dice = Random(SEED)
    for _ in range(2_000):
        lines = [(dice.randrange(2_000_000), dice.randrange(10**9)) for _ in range(3)]
        exact = Fraction(sum(tokens * price for tokens, price in lines) * 140, 100 * 1_000)

        assert abs(cost_of(lines).amount - exact) <= Fraction(1, 2)


@pytest.mark.parametrize(
    ("amount", "usd"),
    [
        (0, "0"),
        (1, "0.000000001"),
        (23_100, "0.0000231"),
        (NANO_PER_CENT, "0.01"),
        (NANO_PER_USD, "1"),
        (-NANO_PER_USD // 2, "-0.5"),
        (10**18 + 1, "1000000000.000000001"),
        (100 * NANO_PER_USD, "100"),
    ],
)
def test_usd_is_written_in_plain_digits_to_the_last(amount: int, usd: str) -> None:
    assert Nano(amount).usd == usd
    assert Nano(amount).wire == str(amount)


@pytest.mark.parametrize(
    ("amount", "balance", "cost"),
    [
        (0, 0, 0),
        (1, 0, 1),
        (NANO_PER_CENT - 1, 0, 1),
        (NANO_PER_CENT, 1, 1),
        (NANO_PER_CENT + 1, 1, 2),
        (-1, -1, 0),
    ],
)
def test_cents_never_show_more_than_one_has_nor_less_than_one_pays(
    amount: int, balance: int, cost: int
) -> None:
    assert (Nano(amount).balance_cents, Nano(amount).cost_cents) == (balance, cost)


def test_legs_sum_to_nothing() -> None:
    leg = Nano(123)

    assert leg + -leg == ZERO
    assert not leg - leg
    assert leg > ZERO > -leg
