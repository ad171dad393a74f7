"""Sending one call through a vendor's SDK, and telling what became of it in our words."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import anthropic
import httpcore2
import httpx2
import openai

from jobs.llms.provider import Delta, Piece, Reasoning, ToolDelta
from models.kernel.clock import Clock
from models.kernel.errors import (
    IlmError,
    UpstreamError,
    UpstreamKeyRefused,
    UpstreamRefused,
    UpstreamTimeout,
)
from models.llms import Vendor
from workers.adapters.llms.calls import Call
from workers.adapters.llms.faults import body_of, complaint_of, fault_of, wait_in
from workers.adapters.llms.scrubbing import Scrub
from workers.adapters.llms.sockets import Exchange

CONTENT: Final = (Delta, Reasoning, ToolDelta)
"""The pieces that are an answer: what else arrives is no sign of one."""

UNSET: Final = "-"
"""What an SDK's client is given as its key: the real one goes with each call, and stays nowhere."""

_STATUS: Final = (openai.APIStatusError, anthropic.APIStatusError)
_LATE: Final = (
    openai.APITimeoutError, anthropic.APITimeoutError, httpcore2.TimeoutException,
    httpx2.TimeoutException,
)  # fmt: skip
_BROKEN: Final = (
    openai.OpenAIError, anthropic.AnthropicError, httpx2.HTTPError, httpx2.StreamError,
    httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.UnsupportedProtocol, OSError,
)  # fmt: skip
FOREIGN: Final = (*_STATUS, *_LATE, *_BROKEN)
"""Whatever the libraries under an adapter raise."""


class Client(Protocol):
    """What both SDKs' clients can do."""

    def post(self, path: str, *, cast_to: Any, body: Any, options: Any, stream: Any) -> Any:
        """Send a request and return its answer, read or not."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A request on its way: where to, what, and with whose key."""

    path: str
    body: Mapping[str, Any] = field(repr=False)
    key: str = field(repr=False)


@contextmanager
def answered(exchange: Exchange, call: Call, client: Client, post: Post) -> Iterator[Any]:
    """Send a request; give its answer once the head of it is there, and close it in the end."""
    options = {
        "headers": {"Authorization": f"Bearer {post.key}"} if post.key else {},
        "timeout": timeouts_of(call),
    }
    with exchange.on_air(call):
        answer = _sent(client, post, options)
    with closing(answer):
        yield answer


def _sent(client: Client, post: Post, options: Mapping[str, Any]) -> Any:
    """Send a request; raise `UpstreamRefused` for a number or a character no JSON can hold."""
    try:
        return client.post(
            post.path, cast_to=httpx2.Response, body=post.body, options=options, stream=True
        )
    except (TypeError, ValueError):
        told = "it holds a number or a character that cannot be sent"
    raise UpstreamRefused(f"the LLM cannot be asked this: {told}")


def timeouts_of(call: Call) -> httpx2.Timeout:
    """Return the SDK's timeouts: the watchdog keeps the limits, these only stand behind it."""
    limits = call.limits
    return httpx2.Timeout(limits.whole, connect=limits.connect, pool=limits.connect)


def held(call: Call, pieces: Iterator[Piece], told: "Teller") -> Iterator[Piece]:
    """Yield the pieces of a call as they come, its limits kept; end the call whatever happens.

    What is raised stands alone: a foreign error may quote the key or the prompt, so ours is not
    raised `from` it.
    """
    try:
        for piece in pieces:
            if isinstance(piece, CONTENT):
                call.heard()
            call.rest()
            yield piece
            call.resume()
    except (*FOREIGN, IlmError) as error:
        fault = call.fault or (error if isinstance(error, IlmError) else told.fault_of(error))
    else:
        return
    finally:
        call.over()
    raise fault


def drain(call: Call, chunks: Iterable[bytes]) -> None:
    """Read a whole answer's body to its end, so that its connection serves the next call."""
    call.whole()
    try:
        for _ in chunks:
            pass
    except FOREIGN:
        return


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """Says in our words what a vendor or a library said."""

    vendor: Vendor
    scrub: Scrub
    clock: Clock

    def fault_of(self, error: BaseException) -> IlmError:
        """Return our error for a library's."""
        title = self.vendor.title
        if isinstance(error, _STATUS):
            response = error.response
            said = complaint_of(title, response.status_code, body_of(response.content))
            return fault_of(said.after(wait_in(response.headers, self.clock.now())), self.scrub)
        if isinstance(error, _LATE):
            return UpstreamTimeout(f"{title} did not answer in time; try again")
        return UpstreamError(f"the connection to {title} broke; try again, or use another model")

    def fault_in(self, body: Mapping[str, Any]) -> IlmError:
        """Return our error for one that came in the place of an answer."""
        return fault_of(complaint_of(self.vendor.title, 0, body), self.scrub)

    def cut(self) -> IlmError:
        """Return the error of an answer that ended without saying so."""
        return UpstreamError(
            f"the answer of {self.vendor.title} ended before it was whole; try again"
        )


def key_for(vendor: Vendor, own: str | None, house: str) -> str:
    """Return the key a call goes with; raise `UpstreamKeyRefused` for none, or for no key at all.

    A caller's own key is what a person typed: what no header can carry is refused here.
    """
    key = own if own is not None else house
    if not key and vendor.key:
        raise UpstreamKeyRefused(
            f"there is no key for {vendor.title}: send one, or set the house's"
        )
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise UpstreamKeyRefused(f"the key for {vendor.title} holds characters that no key has")
    return key


def refused(vendor: Vendor, words: str) -> UpstreamRefused:
    """Return the refusal of a request that a vendor's wire cannot carry."""
    return UpstreamRefused(f"{vendor.title} cannot be asked this: {words}")
