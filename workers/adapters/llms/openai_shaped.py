"""Every vendor that speaks OpenAI's Chat Completions, through the official SDK (M-30, M-31)."""

from collections.abc import Iterator

from openai import Omit, OpenAI

from jobs.llms.provider import OnStop, Piece, Request
from models.llms import Vendor
from workers.adapters.llms.asking import UNSET, Post, Teller, answered, held, key_for
from workers.adapters.llms.calls import Call
from workers.adapters.llms.chat_answers import ChatAnswer
from workers.adapters.llms.chat_requests import body_of
from workers.adapters.llms.scrubbing import scrub_of
from workers.adapters.llms.sockets import Exchange


class OpenAIShaped:
    """An adapter to one vendor of that shape; how it differs is data: `Vendor.quirks`.

    `address` ends where `/chat/completions` begins. The vendor is always asked to stream.
    """

    def __init__(self, vendor: Vendor, address: str, key: str, exchange: Exchange) -> None:
        """Keep the house's key, empty where there is none; nothing is connected yet."""
        self._vendor = vendor
        self._key = key
        self._exchange = exchange
        self._client = client_at(address, exchange)

    def stream(self, request: Request, on_stop: OnStop) -> Iterator[Piece]:
        """Yield pieces as they arrive, and one `Finish` last.

        Raises what a `Provider` raises, `UpstreamTimeout` at a limit.
        """
        key = key_for(self._vendor, request.key, self._key)
        teller = Teller(
            vendor=self._vendor, scrub=scrub_of(request, key), clock=self._exchange.clock
        )
        call = self._exchange.call(request.limits, on_stop)
        yield from held(call, self._pieces(request, key, call, teller), teller)

    def _pieces(self, request: Request, key: str, call: Call, teller: Teller) -> Iterator[Piece]:
        post = Post(path="/chat/completions", body=body_of(request, self._vendor), key=key)
        with answered(self._exchange, call, self._client, post) as answer:
            yield from ChatAnswer(call, teller).read(answer)


def client_at(address: str, exchange: Exchange) -> OpenAI:
    """Return the SDK's client of an address: it tries once, holds no key, and reads no setting."""
    return OpenAI(
        api_key=UNSET,
        base_url=address,
        max_retries=0,
        http_client=exchange.http,
        default_headers={"OpenAI-Organization": Omit(), "OpenAI-Project": Omit()},  # type: ignore[dict-item]  # the SDK drops a header so, and its type does not say it
    )
