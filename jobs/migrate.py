"""The migrate step: `python -m jobs.migrate` before the processes of a release start.

The schema first, then the first administrator. Safe to run again, and by several at once.
"""

import sys

from jobs.accounts import bootstrap_admin
from models.kernel.clock import SystemClock
from models.kernel.database import connect
from models.kernel.logs import get_logger, log_to_stderr
from models.kernel.settings import BadSettings, load
from models.migrate import migrate

log = get_logger(__name__)


def main() -> int:
    """Migrate by the settings of the environment; 2 when they are wrong."""
    try:
        settings = load()
    except BadSettings as error:
        sys.stderr.write(f"{error}\n")
        return 2
    log_to_stderr(settings.log_level)
    applied = migrate(settings)
    connect(settings)
    log.info("migrate.done", applied=applied, made_admin=bootstrap_admin(settings, SystemClock()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
