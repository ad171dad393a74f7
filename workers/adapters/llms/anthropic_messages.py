"""Anthropic's Messages through the official SDK, as Chat-shaped requests and pieces (M-30)."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from anthropic import Anthropic

from jobs.llms.provider import (
    Counted,
    Delta,
    Finish,
    OnStop,
    Piece,
    Reasoning,
    Request,
    ToolDelta,
)
from models.llms import Vendor
from workers.adapters.llms.anthropic_requests import body_of
from workers.adapters.llms.asking import UNSET, Post, Teller, answered, drain, held, key_for
from workers.adapters.llms.calls import Call
from workers.adapters.llms.events import events
from workers.adapters.llms.scrubbing import scrub_of
from workers.adapters.llms.shapes import count, mapping, text
from workers.adapters.llms.sockets import Exchange
from workers.adapters.llms.usage import MessageUsage

REASONS: Final[Mapping[str, str]] = {
    "end_turn": "stop", "stop_sequence": "stop", "pause_turn": "stop", "tool_use": "tool_calls",
    "max_tokens": "length", "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}  # fmt: skip


class AnthropicMessages:
    """An adapter to Anthropic, or to who speaks its wire. The vendor is always asked to stream."""

    def __init__(self, vendor: Vendor, address: str, key: str, exchange: Exchange) -> None:
        """Keep the house's key, empty where there is none; nothing is connected yet."""
        self._vendor = vendor
        self._key = key
        self._exchange = exchange
        self._client = Anthropic(
            api_key=UNSET, base_url=address, max_retries=0, http_client=exchange.http
        )

    def stream(self, request: Request, on_stop: OnStop) -> Iterator[Piece]:
        """Yield pieces as they arrive, and one `Finish` last.

        Raises what a `Provider` raises, `UpstreamTimeout` at a limit.
        """
        key = key_for(self._vendor, request.key, self._key)
        body = body_of(request, self._vendor)
        teller = Teller(
            vendor=self._vendor, scrub=scrub_of(request, key), clock=self._exchange.clock
        )
        call = self._exchange.call(request.limits, on_stop)
        post = Post(path="/v1/messages", body=body, key=key)
        yield from held(call, self._pieces(post, call, teller), teller)

    def _pieces(self, post: Post, call: Call, teller: Teller) -> Iterator[Piece]:
        with answered(self._exchange, call, self._client, post) as answer:
            if "json" in answer.headers.get("content-type", ""):
                raise teller.fault_in(mapping(answer.json()))
            chunks = answer.iter_bytes()
            reading = _Reading(teller)
            for event in events(chunks):
                yield from reading.pieces(event.fields())
                if reading.is_whole:
                    break
            else:
                raise teller.cut()
            drain(call, chunks)
        yield Finish(reading.reason, reading.usage.tokens, reading.stop_sequence)


class _Reading:
    """One message being read, event by event."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller
        self._tools: dict[int, int] = {}
        self._silent: set[int] = set()
        self.usage = MessageUsage()
        self.reason = ""
        self.stop_sequence: str | None = None
        self.is_whole = False

    def pieces(self, event: Mapping[str, Any]) -> Iterator[Piece]:
        """Yield what one event adds; raise our error for one that is the vendor's."""
        match event.get("type"):
            case "message_start":
                yield from self._counted(mapping(event.get("message")).get("usage"))
            case "content_block_start":
                yield from self._opened(event)
            case "content_block_delta":
                yield from self._added(event)
            case "content_block_stop":
                yield from self._closed(event)
            case "message_delta":
                self._why(mapping(event.get("delta")))
                yield from self._counted(event.get("usage"))
            case "message_stop":
                if not self.reason:
                    raise self._teller.cut()
                self.is_whole = True
            case "error":
                raise self._teller.fault_in(event)

    def _counted(self, usage: Any) -> Iterator[Piece]:
        self.usage.hear(mapping(usage))
        if (tokens := self.usage.tokens) is not None:
            yield Counted(tokens)

    def _opened(self, event: Mapping[str, Any]) -> Iterator[Piece]:
        block, place = mapping(event.get("content_block")), count(event.get("index")) or 0
        match block.get("type"):
            case "tool_use":
                index = self._tools.setdefault(place, len(self._tools))
                given = mapping(block.get("input"))
                if not given:
                    self._silent.add(place)
                yield ToolDelta(
                    index,
                    json.dumps(given) if given else "",
                    id=text(block.get("id")),
                    name=text(block.get("name")),
                )
            case "text" if said := text(block.get("text")):
                yield Delta(said)
            case "thinking" if thought := text(block.get("thinking")):
                yield Reasoning(thought)

    def _added(self, event: Mapping[str, Any]) -> Iterator[Piece]:
        delta, place = mapping(event.get("delta")), count(event.get("index")) or 0
        if said := text(delta.get("text")):
            yield Delta(said)
        elif thought := text(delta.get("thinking")):
            yield Reasoning(thought)
        elif place in self._tools and (written := text(delta.get("partial_json"))):
            self._silent.discard(place)
            yield ToolDelta(self._tools[place], written)

    def _closed(self, event: Mapping[str, Any]) -> Iterator[Piece]:
        """End a block; a tool that was given nothing is called with an empty object."""
        place = count(event.get("index")) or 0
        if place in self._silent:
            self._silent.discard(place)
            yield ToolDelta(self._tools[place], "{}")

    def _why(self, delta: Mapping[str, Any]) -> None:
        if told := text(delta.get("stop_reason")):
            self.reason = REASONS.get(told, "")
            self.stop_sequence = text(delta.get("stop_sequence")) or None
