"""Vectors from a vendor: of length one, in the texts' order, by list or by base64."""

import json
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from queue import Queue
from typing import Any

import pytest

from models.kernel.errors import UpstreamError, UpstreamKeyRefused, UpstreamRateLimited
from models.llms import Vendor
from tests.fakes.vendor.scripts import Fault, Script
from tests.fakes.vendor.vendor import FakeVendor
from tests.processes import until
from tests.providers import KEY
from workers.adapters.llms.embeddings import OpenAIEmbedder
from workers.adapters.llms.sockets import Exchange

TEXTS = ("the walrus", "the sea", "a naïve 書物")


@pytest.fixture(scope="module")
def vendor() -> Iterator[FakeVendor]:
    with FakeVendor() as running:
        yield running


@pytest.fixture(autouse=True)
def _fresh(vendor: FakeVendor) -> None:
    vendor.reset()


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    with closing(Exchange()) as exchange:
        yield exchange


def embedder(vendor: FakeVendor, exchange: Exchange, **quirks: Any) -> OpenAIEmbedder:
    fake = Vendor(name="fake", title="Fake", wire="openai", key="openai_api_key", quirks=quirks)
    return OpenAIEmbedder(fake, vendor.openai_address, KEY, exchange)


@pytest.mark.parametrize("dimensions", [None, 16])
def test_each_text_has_a_vector_of_length_one(
    vendor: FakeVendor, exchange: Exchange, dimensions: int | None
) -> None:
    found = embedder(vendor, exchange).embed("m", TEXTS, dimensions)

    assert [len(vector) for vector in found.vectors] == [dimensions or 8] * len(TEXTS)
    assert [math.hypot(*vector) for vector in found.vectors] == pytest.approx([1, 1, 1])
    assert found.tokens == vendor.meter("m").calls[0].input > 0


def test_base64_says_the_same_as_a_list(vendor: FakeVendor, exchange: Exchange) -> None:
    by_list = embedder(vendor, exchange).embed("m", TEXTS, None)
    by_text = embedder(vendor, exchange, embeds_in_base64=True).embed("m", TEXTS, None)

    sent = [call.body["encoding_format"] for call in vendor.meter("m").calls]
    assert sent == ["float", "base64"]
    for one, other in zip(by_list.vectors, by_text.vectors, strict=True):
        assert list(one) == pytest.approx(list(other), abs=1e-6)


def test_vectors_are_put_in_the_texts_order(vendor: FakeVendor, exchange: Exchange) -> None:
    data = [{"index": 1, "embedding": [0, 2]}, {"index": 0, "embedding": [3, 0]}]
    vendor.script("m", Script(body=json.dumps({"data": data}).encode()))

    found = embedder(vendor, exchange).embed("m", TEXTS[:2], None)

    assert [list(vector) for vector in found.vectors] == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    "data",
    [
        "none",
        [],
        [{"index": 1, "embedding": [1]}],
        [{"index": 0, "embedding": "?"}],
        [{"index": 0, "embedding": "AAA="}],
        [{"index": 0, "embedding": ["x"]}],
        [{"index": 0, "embedding": [0, 0]}],
    ],
)
def test_vectors_that_are_none_are_a_fault(
    data: Any, vendor: FakeVendor, exchange: Exchange
) -> None:
    vendor.script("m", Script(body=json.dumps({"data": data}).encode()))

    with pytest.raises(UpstreamError):
        embedder(vendor, exchange).embed("m", TEXTS[:1], None)


def test_a_call_that_is_stopped_from_outside_ends_at_the_vendor_too(
    vendor: FakeVendor, exchange: Exchange
) -> None:
    vendor.script("m", Script().with_fault(Fault.HANG))
    meter, stops = vendor.meter("m"), Queue[Callable[[], None]]()

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(embedder(vendor, exchange).embed, "m", TEXTS, None, stops.put)
        stop = stops.get()
        until(lambda: meter.calls, "nothing was asked")
        stop()

        with pytest.raises(UpstreamError):
            asked.result()
    until(lambda: meter.closed, "the vendor was never hung up on")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.RATE, UpstreamRateLimited),
        (Fault.BAD_KEY, UpstreamKeyRefused),
        (Fault.ERROR_BODY, UpstreamError),
        (Fault.BAD_GATEWAY, UpstreamError),
    ],
)
def test_a_vendor_s_faults_are_told_as_a_provider_s_are(
    fault: Fault, error: type[Exception], vendor: FakeVendor, exchange: Exchange
) -> None:
    vendor.script("m", Script().with_fault(fault))

    with pytest.raises(error) as caught:
        embedder(vendor, exchange).embed("m", TEXTS, None)

    assert type(caught.value) is error
