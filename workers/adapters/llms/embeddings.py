"""Vectors from vendors that speak OpenAI's `/embeddings`."""

import base64
import math
import sys
from array import array
from collections.abc import Sequence
from typing import Any, Final

import httpx2

from jobs.llms.provider import Embedded, Limits, OnStop, unstopped
from models.kernel.errors import IlmError, UpstreamError
from models.llms import Vendor
from workers.adapters.llms.asking import FOREIGN, Post, Teller, answered, key_for
from workers.adapters.llms.events import fields_of
from workers.adapters.llms.openai_shaped import client_at
from workers.adapters.llms.scrubbing import Scrub
from workers.adapters.llms.shapes import count, mapping, mappings
from workers.adapters.llms.sockets import Exchange

LIMITS: Final = Limits(first=60.0, idle=20.0, whole=60.0)


class OpenAIEmbedder:
    """An adapter to one vendor's embeddings; `address` ends where `/embeddings` begins."""

    def __init__(self, vendor: Vendor, address: str, key: str, exchange: Exchange) -> None:
        """Keep the house's key; nothing is connected yet."""
        self._vendor = vendor
        self._key = key
        self._exchange = exchange
        self._client = client_at(address, exchange)

    def embed(
        self,
        llm: str,
        texts: Sequence[str],
        dimensions: int | None,
        on_stop: OnStop = unstopped,
    ) -> Embedded:
        """Return a unit vector for each text, in the texts' order.

        Raises what a provider raises, and `UpstreamError` for vectors that do not fit the texts.
        """
        key = key_for(self._vendor, None, self._key)
        body: dict[str, Any] = {"model": llm, "input": list(texts), "encoding_format": "float"}
        if self._vendor.quirks.get("embeds_in_base64"):
            body["encoding_format"] = "base64"
        if dimensions is not None:
            body["dimensions"] = dimensions
        answer = self._asked(Post(path="/embeddings", body=body, key=key), tuple(texts), on_stop)
        found = sorted(mappings(answer.get("data")), key=_index)
        if [_index(entry) for entry in found] != list(range(len(texts))):
            raise UpstreamError(f"{self._vendor.title} sent vectors that do not fit the texts")
        vectors = [_unit(_vector(entry.get("embedding"))) for entry in found]
        usage = mapping(answer.get("usage"))
        return Embedded(
            vectors, count(usage.get("prompt_tokens")) or count(usage.get("total_tokens")) or 0
        )

    def _asked(self, post: Post, texts: tuple[str, ...], on_stop: OnStop) -> Any:
        teller = Teller(
            vendor=self._vendor, scrub=Scrub(post.key, texts), clock=self._exchange.clock
        )
        call = self._exchange.call(LIMITS, on_stop)
        try:
            with answered(self._exchange, call, self._client, post) as answer:
                call.is_whole = True
                read: httpx2.Response = answer
                body = fields_of(read.read())
        except (*FOREIGN, IlmError) as error:
            fault = call.fault or (error if isinstance(error, IlmError) else teller.fault_of(error))
        else:
            if "error" in body:
                raise teller.fault_in(body)
            return body
        finally:
            call.over()
        raise fault


def _index(entry: Any) -> int:
    return count(entry.get("index")) or 0


def _vector(given: Any) -> Sequence[float]:
    """Read a list of floats, or their little-endian float32 bytes in base64."""
    try:
        if isinstance(given, str):
            vector = array("f", base64.b64decode(given, validate=True))
            if sys.byteorder == "big":
                vector.byteswap()
            return vector
        return array("d", given)
    except (TypeError, ValueError) as error:
        raise UpstreamError("a vendor sent a vector that is none") from error


def _unit(vector: Sequence[float]) -> Sequence[float]:
    length = math.sqrt(sum(value * value for value in vector))
    if not length or not math.isfinite(length):
        raise UpstreamError("a vendor sent a vector without a direction")
    return [value / length for value in vector]
