"""Every bench in turn, one table: `python -m tests.bench [NAME ...]`

`--peers PYTHON` and `--litellm PYTHON` name interpreters that have what is measured beside.

Each runs in a process of its own, on a stack of its own. Figures are read beside the load of the
machine, which ends every line; nothing here passes or fails on a figure.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

NAMES: Final = ("jobs", "latency", "fairness", "upload", "streams", "reads", "pages", "book",
         "gateway", "cuts", "limits", "logins", "kept", "ledger", "egress",
         "webhooks")  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """Run them; return how many could not be run."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--peers", default=sys.executable)
    parser.add_argument("--litellm", default="")
    parser.add_argument("names", nargs="*", default=NAMES, metavar="NAME")
    asked = parser.parse_args(arguments)
    failed = 0
    for name in asked.names:
        command = [sys.executable, "-m", f"tests.bench.{name}"]
        command += {
            "jobs": ["--peers", asked.peers],
            "gateway": ["--litellm", asked.litellm],
        }.get(name, [])
        if subprocess.run(command, check=False).returncode:
            sys.stdout.write(f"{name}: could not be measured\n")
            failed += 1
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
