"""What a call costs: its tokens by class, times the price of each (CONTRACT §5, B-10).

Where a vendor takes more for a long prompt, the call's own prompt says which price is meant.
"""

from jobs.llms.provider import Tokens
from models.kernel.money import EXACT, Nano, cost_of
from models.llms import Price


def charge(tokens: Tokens, price: Price, rounding: str = EXACT) -> Nano:
    """Return what the caller pays: the vendor's price and the markup, rounded once (X-7)."""
    return cost_of(_lines(tokens, price)).rounded(rounding)


def vendor_cost(tokens: Tokens, price: Price) -> Nano:
    """Return what the vendor charges the house."""
    return cost_of(_lines(tokens, price), markup=False)


def _lines(tokens: Tokens, price: Price) -> list[tuple[int, int]]:
    """Pair every class of token with its price; the classes of the input leave nothing twice."""
    price = price.of(tokens.input)
    fresh = tokens.input - tokens.cached - tokens.written - tokens.written_long
    return [
        (max(fresh, 0), price.input),
        (tokens.cached, price.cached),
        (tokens.written, price.written),
        (tokens.written_long, price.written_long),
        (tokens.output, price.output),
    ]
