"""A new signing key before its time: `python -m jobs.rotate_keys`, for a key that may have leaked.

It signs from an hour on, and what the one before signed stays good until it is over. With `--now`
it signs at once and every other key is retired: access tokens are refused within a minute, and
whoever is logged in refreshes theirs.
"""

import sys
from argparse import ArgumentParser
from datetime import timedelta

from jobs.signing_keys import SigningKeys
from models.kernel.clock import SystemClock
from models.kernel.database import connect
from models.kernel.secrets import open_secrets
from models.kernel.settings import BadSettings, load


def main() -> int:
    """Make a key by the settings of the environment; 2 when they are wrong."""
    parser = ArgumentParser(prog="python -m jobs.rotate_keys", description="Make a signing key.")
    parser.add_argument("--now", action="store_true", help="retire every other key at once")
    asked = parser.parse_args()
    try:
        settings = load()
    except BadSettings as error:
        sys.stderr.write(f"{error}\n")
        return 2
    connect(settings)
    keys = SigningKeys(open_secrets(settings), SystemClock())
    made, retired = keys.rotate(timedelta(0), at_once=asked.now)
    sys.stdout.write(f"made {made} and retired {retired} keys\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
