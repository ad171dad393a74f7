"""The vendors this installation can call: by the house's keys, and by callers' own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from jobs.llms.provider import Embedder, Provider
from models.kernel.clock import Clock
from models.kernel.errors import ModelNotAvailable
from models.kernel.settings import Settings
from models.llms import Vendor, vendors
from workers.adapters.extractive import Extractive
from workers.adapters.llms.anthropic_messages import AnthropicMessages
from workers.adapters.llms.embeddings import OpenAIEmbedder
from workers.adapters.llms.openai_shaped import OpenAIShaped
from workers.adapters.llms.sockets import Exchange

ILM: Final = "ilm"
OPENAI: Final = "openai"
ANTHROPIC: Final = "anthropic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Providers:
    """An adapter to each vendor. `house` are those this installation has a key for, or needs none.

    `own` are all that have an address: a caller's own key opens them.
    """

    house: Mapping[str, Provider]
    own: Mapping[str, Provider]
    embedders: Mapping[str, Embedder]
    exchange: Exchange

    def for_own_key(self, vendor: str) -> Provider:
        """Return the adapter to a vendor; raise `ModelNotAvailable` where nobody knows its place.

        The house's key is not in it: a call without a key of its own is refused.
        """
        if vendor not in self.own:
            raise ModelNotAvailable(f"this installation has no address of {vendor}")
        return self.own[vendor]

    def close(self) -> None:
        """Close every connection."""
        self.exchange.close()


def build(settings: Settings, clock: Clock | None = None) -> Providers:
    """Make the adapters of an installation; nothing is connected before the first call."""
    exchange = Exchange(clock)
    known = vendors().values()
    served = [vendor for vendor in known if vendor.is_served(settings)]
    placed = [v for v in known if v.wire == ILM or v.address_by(settings)]
    return Providers(
        house={v.name: provider(v, settings, _key(v, settings), exchange) for v in served},
        own={v.name: provider(v, settings, "", exchange) for v in placed},
        embedders={
            v.name: OpenAIEmbedder(v, v.address_by(settings), _key(v, settings), exchange)
            for v in served
            if v.wire == OPENAI
        },
        exchange=exchange,
    )


def provider(vendor: Vendor, settings: Settings, key: str, exchange: Exchange) -> Provider:
    """Return the adapter that speaks a vendor's wire."""
    address = vendor.address_by(settings)
    if vendor.wire == OPENAI:
        return OpenAIShaped(vendor, address, key, exchange)
    if vendor.wire == ANTHROPIC:
        return AnthropicMessages(vendor, address, key, exchange)
    return Extractive()


def _key(vendor: Vendor, settings: Settings) -> str:
    return str(getattr(settings, vendor.key)) if vendor.key else ""
