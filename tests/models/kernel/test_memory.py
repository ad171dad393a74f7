"""Memory: what passwords take is given back."""

import subprocess
import sys
from typing import Final

from tests.servers import ROOT

MOST_LEFT: Final = 6 * 1024
"""In KiB: a third of what one password takes, which is 19 MiB."""

HASHING: Final = """
import psutil
from argon2 import PasswordHasher
from models.kernel.memory import give_freed_back

give_freed_back()
hasher, process = PasswordHasher(time_cost=1, memory_cost=19_456, parallelism=1), psutil.Process()
before = process.memory_info().rss
for _ in range(3):
    hasher.hash("a long sentence")
print((process.memory_info().rss - before) // 1024)
"""


def test_what_a_password_takes_is_given_back() -> None:
    command = [sys.executable, "-c", HASHING]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=180
    )

    assert int(done.stdout) < MOST_LEFT
