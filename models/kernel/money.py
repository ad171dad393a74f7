"""Money: integers of nano-USD (1 cent = 10 000 000), and no float anywhere (B-01, X-7).

Prices are integers of pico-USD per token, since a price per token is not always a whole number
of nano-USD. The cost of a call is rounded once, half up, to the nano-USD.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Self

NANO_PER_USD: Final = 1_000_000_000
NANO_PER_CENT: Final = 10_000_000
EXACT: Final = "exact"
CEIL_CENT: Final = "ceil_cent"
"""How a charge is rounded (X-7): to the nano-USD, or up to the next cent."""
PICO_PER_NANO: Final = 1_000

MARKUP_NUMERATOR: Final = 140
MARKUP_DENOMINATOR: Final = 100


@dataclass(frozen=True, slots=True, order=True)
class Nano:
    """An amount of nano-USD; may be negative in a ledger leg."""

    amount: int

    def __add__(self, other: Self) -> Self:
        """Return the sum."""
        return type(self)(self.amount + other.amount)

    def __sub__(self, other: Self) -> Self:
        """Return the difference."""
        return type(self)(self.amount - other.amount)

    def __neg__(self) -> Self:
        """Return the opposite leg."""
        return type(self)(-self.amount)

    def __bool__(self) -> bool:
        """Say whether there is any money in it."""
        return self.amount != 0

    @property
    def wire(self) -> str:
        """The exact amount as a decimal integer, the form money takes in JSON."""
        return str(self.amount)

    @property
    def usd(self) -> str:
        """The exact amount in USD, plain digits without an exponent: `0.0000231`."""
        text = f"{Decimal(self.amount) / NANO_PER_USD:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text

    @property
    def balance_cents(self) -> int:
        """Whole cents one surely has: the floor."""
        return self.amount // NANO_PER_CENT

    @property
    def cost_cents(self) -> int:
        """Whole cents a cost is shown as: the ceiling, so at least 1 when anything was charged."""
        return -(-self.amount // NANO_PER_CENT)

    def rounded(self, rounding: str) -> "Nano":
        """Return what is charged for it: as it is, or its ceiling in cents (X-7)."""
        return Nano(self.cost_cents * NANO_PER_CENT) if rounding == CEIL_CENT else self


ZERO: Final = Nano(0)


def shared(cents: int, amounts: Sequence[Nano]) -> list[int]:
    """Round amounts to whole cents that add up to `cents`, by largest remainder.

    `cents` is their sum rounded either way. Each is rounded down, and then, where most was lost,
    of equals the first, up; what is whole cents stays as it is.
    """
    whole = [amount.amount // NANO_PER_CENT for amount in amounts]
    lost = [amount.amount % NANO_PER_CENT for amount in amounts]
    dearest = sorted(range(len(amounts)), key=lambda place: -lost[place])
    for place in dearest[: cents - sum(whole)]:
        whole[place] += 1
    return whole


def cost_of(lines: Iterable[tuple[int, int]], *, markup: bool = True) -> Nano:
    """Price a call: Σ tokens × pico-USD, the markup of 40 % as a fraction (B-10), rounded once.

    `lines` are pairs of (tokens, pico-USD per token). Rounds half up to the nano-USD.
    """
    pico = sum(tokens * price for tokens, price in lines)
    numerator, denominator = (MARKUP_NUMERATOR, MARKUP_DENOMINATOR) if markup else (1, 1)
    scaled, unit = pico * numerator, PICO_PER_NANO * denominator
    return Nano((2 * scaled + unit) // (2 * unit))


@dataclass(frozen=True, slots=True)
class Estimate:
    """What work may take at most: money, and tokens of the day's."""

    cost: Nano = ZERO
    tokens: int = 0


NOTHING: Final = Estimate()
