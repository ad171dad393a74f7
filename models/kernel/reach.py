"""`python -m models.kernel.reach`: exit 0 when PostgreSQL answers, for health checks of workers."""

import sys

from models.kernel.database import is_alive, open_pool
from models.kernel.settings import load


def main() -> int:
    """Ask once."""
    return 0 if is_alive(open_pool(load())) else 1


if __name__ == "__main__":
    sys.exit(main())
