"""What counting one request costs: a histogram, and a gauge up and down, in a shared ledger.

python -m tests.bench.counting
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from timeit import timeit

from models.kernel.ledgers import Ledgers
from models.kernel.measures import HTTP_IN_FLIGHT, HTTP_SECONDS
from models.kernel.settings import Settings

TIMES = 200_000


def count() -> None:
    """Count one request, as `api.front` and `api.app` do."""
    HTTP_IN_FLIGHT.add(1)
    HTTP_SECONDS.observe(0.012, "GET", "/v1/books/{book_id}", "2xx")
    HTTP_IN_FLIGHT.add(-1)


def main() -> int:
    """Print the cost in microseconds."""
    with TemporaryDirectory() as home:
        Ledgers(Settings(home=Path(home))).share("bench")
        took = min(timeit(count, number=TIMES) for _ in range(3))
    sys.stdout.write(f"counting one request: {took / TIMES * 1e6:.2f} µs\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
