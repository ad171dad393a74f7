"""Masking: no secret we know the shape of leaves, however it is wrapped; the rest stays as it is.

Secrets are made up here by a seeded dice; the seed is in the id of the test.
"""

import json
import string
from pathlib import Path
from random import Random
from typing import Any

import pytest

from models.kernel.masking import MASK, masked_field, masked_text, masked_value

WORD = string.ascii_letters + string.digits
SEEDS = range(20261121, 20261129)


def made(dice: Random, length: int, letters: str = WORD) -> str:
    return "".join(dice.choices(letters, k=length))


def secrets(dice: Random) -> dict[str, str]:
    """Return one secret of every shape there is."""
    upper = string.ascii_uppercase + string.digits
    return {
        "address": f"{made(dice, 8)}.x+{made(dice, 3)}@{made(dice, 6)}.example.org",
        "address in a URL": f"{made(dice, 8)}%40{made(dice, 6)}.org",
        "live key": f"ilm_live_{made(dice, 32)}",
        "test key": f"ilm_test_{made(dice, 32)}",
        "key of another brand": f"a2c4e6g8i0k2m4o6_live_{made(dice, 43)}",
        "test key of the shortest brand": f"ab_test_{made(dice, 43)}",
        "refresh token": f"ilr_{made(dice, 40)}",
        "device token": f"ild_{made(dice, 40)}",
        "app's refresh token": f"ilo_{made(dice, 40)}",
        "app's code": f"ilc_{made(dice, 40)}",
        "app's secret": f"ils_{made(dice, 40)}",
        "openai": f"sk-proj-{made(dice, 40)}",
        "anthropic": f"sk-ant-api03-{made(dice, 40)}",
        "xai": f"xai-{made(dice, 40)}",
        "google": f"AIza{made(dice, 35)}",
        "aws": f"AKIA{made(dice, 16, upper)}",
        "webhook": f"whsec_{made(dice, 32)}",
        "jwt": f"eyJ{made(dice, 30)}.eyJ{made(dice, 60)}.{made(dice, 43)}",
    }


WRAPPINGS = {
    "alone": lambda secret: secret,
    "in a sentence": lambda secret: f"it went wrong for {secret}, again",
    "in quotes": lambda secret: f'{{"detail": "{secret}"}}',
    "in a list": lambda secret: ["a", {"b": [secret]}],
    "as a key": lambda secret: {secret: 1},
    "in an error": lambda secret: ValueError(f"bad: {secret}"),
    "in a path": lambda secret: Path(f"/v1/{secret}/x"),
    "in bytes": lambda secret: secret.encode(),
    "deep": lambda secret: [[[[[[[[secret]]]]]]]],
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_a_secret_is_masked_however_it_is_wrapped(wrapping: str, seed: int) -> None:
    for kind, secret in secrets(Random(seed)).items():
        told = json.dumps(masked_field("detail", WRAPPINGS[wrapping](secret)))

        assert secret not in told, kind
        assert MASK in told, kind


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abcdefgh12345678==", "abcdefgh12345678"),
        ("authorization: basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("GET /reset?token=abcdef&x=1", "abcdef"),
        ("password=hunter2;", "hunter2"),
        ("{'password': 'hunter2'}", "hunter2"),
        ("redis://:hunter2@cache:6379/0", "hunter2"),
        ("tried my_acme_live_abcdefgh12345678", "abcdefgh12345678"),
        ("postgresql://ilm:hunter2@db/ilm", "hunter2"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----", "MIIE"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE", "MIIE"),
    ],
)
def test_what_goes_by_the_words_around_it_is_masked(text: str, secret: str) -> None:
    assert secret not in masked_text(text)
    assert MASK in masked_text(text)


@pytest.mark.parametrize(
    "value",
    [
        "page.drawn", 3, 1.5, None, True, "req_0193a7b2c4d5e6f708192a3b4c5d6e7f",
        "job_0193a7b2c4d5e6f708192a3b4c5d6e7f", "GET /v1/books/{book_id}", "gpt-5-mini",
        "2026-11-21T16:00:00Z", "the token count is 7", "a@b", "ask-me-anything-later",
        "we_live_here", "acme_live_q3Xw9Zk",
    ],
)  # fmt: skip
def test_what_is_no_secret_stays(value: Any) -> None:
    assert masked_value(value) == value


@pytest.mark.parametrize("name", ["headers", "detail"])
def test_a_field_that_is_secret_by_its_name_is_masked_inside_others(name: str) -> None:
    told = masked_field(name, {"X-API-Key": "short", "nested": [{"refresh_token": 7}], "page": 3})

    assert told == {"X-API-Key": MASK, "nested": [{"refresh_token": MASK}], "page": 3}
