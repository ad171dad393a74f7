"""Which vendors an installation can call."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from models.kernel.errors import ModelNotAvailable, UpstreamKeyRefused
from models.kernel.settings import Settings
from tests.fakes.vendor.vendor import FakeVendor
from tests.providers import never, read, request
from workers.adapters.llms.providers import Providers, build

Build = Callable[..., Providers]


@pytest.fixture
def built() -> Iterator[Build]:
    with ExitStack() as stack:

        def make(**settings: str) -> Providers:
            providers = build(Settings(**settings))
            stack.callback(providers.close)
            return providers

        yield make


def test_without_keys_there_is_the_sandbox_alone(built: Build) -> None:
    assert set(built().house) == {"ilm"}


def test_a_vendor_with_its_key_or_without_need_of_one_is_served(built: Build) -> None:
    providers = built(anthropic_api_key="k", ollama_base_url="http://127.0.0.1:11434/v1")

    assert set(providers.house) == {"ilm", "anthropic", "ollama"}
    assert set(providers.embedders) == {"ollama"}


def test_a_caller_s_own_key_opens_every_vendor_that_has_an_address(built: Build) -> None:
    with FakeVendor() as fake:
        providers = built(openai_base_url=fake.openai_address, anthropic_base_url=fake.address)
        for vendor in ("openai", "anthropic"):
            read(providers.for_own_key(vendor).stream(request(key="own-key"), never))

        sent = {call.headers["authorization"] for call in fake.meter("m").calls}
        assert sent == {"Bearer own-key"}


def test_the_house_s_key_is_not_behind_the_door_for_own_keys(built: Build) -> None:
    providers = built(openai_api_key="house-key")

    with pytest.raises(UpstreamKeyRefused):
        read(providers.for_own_key("openai").stream(request(), never))


@pytest.mark.parametrize("vendor", ["llama", "nobody"])
def test_a_vendor_without_an_address_is_nobody_s(vendor: str, built: Build) -> None:
    with pytest.raises(ModelNotAvailable):
        built().for_own_key(vendor)


def test_no_key_shows(built: Build) -> None:
    providers = built(openai_api_key="canary", anthropic_api_key="canary")

    told = repr(providers) + repr([vars(made) for made in providers.own.values()])
    assert "canary" not in told
