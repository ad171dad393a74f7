"""The sandbox's receiver: `{public address}/v1/sandbox/echo`, for webhooks of test keys (H-10).

It is no route. A request to an address of our own would have to pass the guard that keeps calls
out of this house (H-12), and a route that takes anything from anybody would have to be kept from
being fed. So whoever carries a delivery knows the address and hands it over here, within the
process: nothing is connected to, and nobody else can write. It does what an integrator should:
verify the signature, answer 200, else 401. What it was sent stands in the delivery log already;
`GET /v1/sandbox/echo` reads the newest few there.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from jobs.webhooks.signing import Secret, is_signed
from models.kernel.http import Answered
from models.kernel.settings import Settings

PATH: Final = "/v1/sandbox/echo"
TEST: Final = "test"


def echo_url(settings: Settings) -> str:
    """Return the address that test webhooks are registered with."""
    return settings.base_url + PATH


def echoed(headers: Mapping[str, str], body: bytes, keys: Sequence[Secret]) -> Answered:
    """Receive a delivery: 200 when the signature of Standard Webhooks holds, else 401."""
    holds = is_signed(keys, headers, body)
    return Answered(
        status=200 if holds else 401,
        headers={"Content-Type": "application/json"},
        body=json.dumps({"verified": holds}).encode(),
    )
