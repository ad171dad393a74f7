"""A name that means something else a moment later, said by a real server of names (H-12).

Each runs in a network of its own, where a public address is ours: what is sent there arrives.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from tests.conftest import MISSING
from tests.rebinding import NO_NETWORK, PUBLIC

SECONDS = 180


def played(rounds: Sequence[Sequence[str]], *calls: str) -> dict[str, Any]:
    scenario = json.dumps({"rounds": rounds, "calls": calls})
    command = [sys.executable, "-W", "error", "-m", "tests.rebinding", scenario]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode == NO_NETWORK:
        MISSING["names that are rebound"] = done.stderr.strip()
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_public_first_and_within_the_second_time() -> None:
    """What was looked at is called, and once it means something else nobody is."""
    seen = played([[PUBLIC], ["127.0.0.1"]], "send", "send", "send afresh", "send afresh")

    assert seen["outcomes"] == ["200", "200", "NotAllowed name", "NotAllowed name"]
    assert (seen["public"], seen["within"], seen["looks"]) == (1, 0, 3)


def test_within_first_and_public_the_second_time() -> None:
    seen = played([["127.0.0.1"], [PUBLIC]], "send", "send")

    assert seen["outcomes"] == ["NotAllowed name", "200"]
    assert (seen["public"], seen["within"]) == (1, 0)


def test_by_turns() -> None:
    rounds = [[PUBLIC], ["127.0.0.1"]] * 4
    seen = played(rounds, *["send afresh"] * 8)

    assert seen["outcomes"] == ["200", "NotAllowed name"] * 4
    assert (seen["public"], seen["within"], seen["looks"]) == (4, 0, 8)


@pytest.mark.parametrize(
    "meaning",
    [
        [PUBLIC, "::1"],
        [PUBLIC, "127.0.0.1"],
        ["127.0.0.1", PUBLIC],
        [PUBLIC, "::ffff:127.0.0.1"],
        [PUBLIC, "64:ff9b::7f00:1"],
        ["::1"],
        ["0.0.0.0"],  # noqa: S104 - bound to by nobody
        ["169.254.169.254"],
    ],
    ids=["v6", "v4", "v4-first", "mapped", "nat64", "v6-alone", "none", "metadata"],
)
def test_one_address_within_is_enough(meaning: list[str]) -> None:
    seen = played([meaning], "send", "send")

    assert seen["outcomes"] == ["NotAllowed name"] * 2
    assert (seen["public"], seen["within"]) == (0, 0)


def test_a_name_without_addresses_is_told_as_that() -> None:
    seen = played([[]], "send")

    assert (seen["outcomes"], seen["public"], seen["within"]) == (["Unanswered name"], 0, 0)


def test_a_silent_server_of_names_is_not_waited_for() -> None:
    seen = played([], "send in vain")

    assert (seen["outcomes"], seen["public"], seen["within"]) == (["Unanswered timeout"], 0, 0)


def test_who_looks_first_and_calls_then_is_led_in() -> None:
    """So the trap closes on those who walk into it."""
    seen = played([[PUBLIC], ["127.0.0.1"]], "send naively")

    assert (seen["outcomes"], seen["public"], seen["within"]) == (["200"], 0, 1)
