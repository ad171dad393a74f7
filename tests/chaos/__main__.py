"""`python -m tests.chaos [--seed N] [--seconds 60] [--broker redis|rabbit]`: the chaos proof.

Kills everything at random under load, then counts what was lost, doubled or broken. Prints the
seed first, so that a storm can be had again. Exit code 1 unless every count is 0.
"""

import shutil
import sys
import tempfile
from argparse import ArgumentParser
from contextlib import nullcontext
from pathlib import Path
from secrets import randbelow

from tests.chaos.storm import Plan, storm
from tests.servers import ROOT, Rabbit, rabbit_is_installed


def main() -> int:
    """Run one storm in a home of its own, which is kept when something went wrong."""
    parser = ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=randbelow(10**6))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--broker", choices=["redis", "rabbit"], default="redis")
    parser.add_argument("--keep", action="store_true", help="keep the home and its log")
    options = parser.parse_args()
    if options.broker == "rabbit" and not rabbit_is_installed():
        sys.stderr.write("rabbitmq-server is not installed: apt-get install rabbitmq-server\n")
        return 2
    asked = f"seed={options.seed} seconds={options.seconds} broker={options.broker}"
    print(f"chaos: {asked}", flush=True)
    scratch = ROOT / "var"
    scratch.mkdir(exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="chaos-", dir=scratch))
    (home / "rabbit").mkdir()
    node = Rabbit(home / "rabbit") if options.broker == "rabbit" else nullcontext()
    with node as rabbit:
        verdict = storm(Plan(options.seed, options.seconds), home, rabbit)
    print(verdict.text)
    if not verdict.is_clean:
        print(f"chaos: BROKEN seed={options.seed}; what is left is in {home}")
        return 1
    if options.keep:
        print(f"chaos: what is left is in {home}")
    else:
        shutil.rmtree(home, ignore_errors=True)
    print(f"chaos: ok seed={options.seed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
