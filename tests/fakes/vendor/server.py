"""The fake vendor's side of a connection: it answers by its scripts, and meters what it does."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from tests.fakes.vendor import chat, http, messages
from tests.fakes.vendor.answers import answer_to
from tests.fakes.vendor.faults import HTML, refusal_of
from tests.fakes.vendor.http import Asked
from tests.fakes.vendor.meter import Meters, Seen, count_tokens
from tests.fakes.vendor.scripts import Fault, Script, Strike
from tests.fakes.vendor.stream import Stream

CHAT, MESSAGES = "/chat/completions", "/messages"
GARBAGE = b"\x15\x03\x03\x00\x02\x02\x28 this is no HTTP\r\n\r\n"


class Server:
    """What is scripted and metered, and a coroutine per connection."""

    def __init__(self) -> None:
        self.usual = Script()
        self.scripts: dict[str, Script] = {}
        self.meters = Meters()
        self._spent: dict[tuple[str, int], int] = {}
        self._calls = 0

    def reset(self) -> None:
        """Forget every script and every call."""
        self.usual = Script()
        self.scripts.clear()
        self.meters.clear()
        self._spent.clear()

    def put(self, model: str, script: Script) -> None:
        """Script a model, or all that have no script of their own (an empty name)."""
        if model:
            self.scripts[model] = script
        else:
            self.usual = script
        for key in [key for key in self._spent if key[0] == model]:
            del self._spent[key]

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while (request := await http.asked(reader)) is not None:
                if not await self._answer(request, reader, writer):
                    break
                await writer.drain()
        except http.NotHttp:
            writer.write(GARBAGE)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            with suppress(ConnectionError):
                writer.close()

    async def _answer(
        self, request: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer; say whether the connection can take another request."""
        if request.path.startswith("/_"):
            writer.write(_json(*self._steered(request)))
            return True
        if request.path.endswith((CHAT, MESSAGES)):
            return await self._generate(request, reader, writer)
        answer = await self._plain(request, reader, writer)
        if answer is not None:
            writer.write(_json(*answer))
        return answer is not None

    def _steered(self, request: Asked) -> tuple[int, Any]:
        """Do what another process wants: `_script`, `_meter`, `_reset`."""
        _, what, *name = request.path.split("/", 2)
        if what == "_script" and request.method == "PUT":
            self.put(name[0] if name else "", Script.of_json(request.body))
            return 200, {}
        if what == "_meter":
            return 200, {model: meter.to_json() for model, meter in self.meters.items()}
        if what == "_reset":
            self.reset()
            return 200, {}
        return 404, {}

    async def _plain(
        self, request: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[int, Any] | None:
        """Return what is answered at once; None when nothing was, until the client went."""
        if request.method == "GET" and request.path.endswith("/models"):
            return 200, chat.models(sorted(self.scripts))
        maker: Callable[[dict[str, Any]], dict[str, Any]] | None = {
            "embeddings": chat.embeddings,
            "moderations": chat.moderations,
        }.get(request.path.rpartition("/")[2])
        if maker is None:
            return 404, chat.error(404, "not_found", f"no route {request.path}")
        body = request.body
        script, strike = self._scripted(str(body.get("model", "")))
        seen = self._seen(request, strike)
        given = body.get("input")
        texts = given if isinstance(given, list) else [given]
        seen.input = sum(count_tokens(str(text)) for text in texts)
        if strike is not None and strike.fault is Fault.HANG:
            return await Stream(reader, writer, script, strike, seen).hang()
        seen.finished = True
        refusal = refusal_of(strike, is_anthropic=False) if strike else None
        if refusal is not None:
            return refusal.status, refusal.body
        if script.body is not None:
            return script.status, json.loads(script.body)
        return 200, maker(body)

    def _scripted(self, model: str) -> tuple[Script, Strike | None]:
        """Return a model's script, and the fault this call meets."""
        name = model if model in self.scripts else ""
        script = self.scripts.get(model, self.usual)
        for place, strike in enumerate(script.strikes):
            struck = self._spent.get((name, place), 0)
            if strike.times is None or struck < strike.times:
                self._spent[name, place] = struck + 1
                return script, strike
        return script, None

    def _seen(self, request: Asked, strike: Strike | None) -> Seen:
        seen = Seen(path=request.path, headers=request.headers, body=request.body)
        seen.fault = strike.fault.value if strike else None
        self.meters[str(seen.body.get("model", ""))].calls.append(seen)
        return seen

    async def _generate(
        self, request: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        body = request.body
        script, strike = self._scripted(str(body.get("model", "")))
        seen = self._seen(request, strike)
        seen.peer = str(writer.get_extra_info("peername"))
        if strike is not None and strike.fault is Fault.EMPTY:
            script, strike = replace(script, text="", tools=(), reasoning=""), None
        is_anthropic = request.path.endswith(MESSAGES)
        self._calls += 1
        answer = answer_to(body, script, self._calls)
        seen.input = answer.input
        stream = Stream(reader, writer, script, strike, seen)
        if strike is not None:
            ended = await self._struck(strike, stream, writer, is_anthropic=is_anthropic)
            if ended is not None:
                return ended
        if script.body is not None:
            return await stream.replay(script.body)
        if not body.get("stream"):
            whole = messages.whole(answer) if is_anthropic else chat.whole(answer)
            return await stream.wholly(_json(200, whole), answer.output)
        frames = messages.frames(answer) if is_anthropic else chat.frames(answer, body)
        return await stream.send(frames, is_anthropic=is_anthropic)

    async def _struck(
        self, strike: Strike, stream: Stream, writer: asyncio.StreamWriter, *, is_anthropic: bool
    ) -> bool | None:
        """Do what a fault does before any answer; None when it strikes later."""
        match strike.fault:
            case Fault.HANG:
                await stream.hang()
            case Fault.GARBAGE:
                writer.write(GARBAGE)
            case Fault.RESET:
                http.reset(writer)
            case _:
                refusal = refusal_of(strike, is_anthropic=is_anthropic)
                if refusal is None:
                    return None
                writer.write(_json(refusal.status, refusal.body, **refusal.headers))
                return True
        return False


def _json(status: int, body: Any, **headers: str) -> bytes:
    if body is HTML:
        return http.whole(status, HTML, "text/html", **headers)
    return http.whole(status, json.dumps(body).encode(), "application/json", **headers)
