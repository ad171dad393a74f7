"""The three wires as a client without an SDK sees them: frames, cursors, and being cut off."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import requests

from tests.gateway import Gateway
from tests.processes import Web

CUT: Final = 0.15
MOST_CUTS: Final = 500
ASKED: Final = [{"role": "user", "content": "Where does the walrus live?"}]


@dataclass(frozen=True)
class WireCase:
    """How one wire is asked and resumed."""

    path: str
    prefix: str
    body: dict[str, Any]

    def name_of(self, answer: requests.Response) -> str:
        """Return the id under which an answer can be asked for again."""
        return self.prefix + answer.headers["X-Ilm-Job-Id"].removeprefix("job_")

    def ask(self, ilm: Gateway, **headers: str) -> requests.Response:
        """Open a stream."""
        return ilm.post(self.path, {**self.body, "stream": True}, headers=headers, stream=True)

    def resume(self, ilm: Gateway, web: Web, answer: str, after: int | None) -> requests.Response:
        """Open the rest of a stream, at any web process; None: all of it."""
        opened = requests.get(
            f"{web.address}{self.path}/{answer}", stream=True, timeout=60,
            params={"stream": "true", "starting_after": after},
            headers={"Authorization": f"Bearer {ilm.key}"},
        )  # fmt: skip
        opened.raise_for_status()
        return ilm.opened.enter_context(opened)


WIRES: Final = {
    "chat": WireCase(
        "/v1/chat/completions", "chatcmpl-", {"model": "gpt-4o-mini", "messages": ASKED}
    ),
    "messages": WireCase(
        "/v1/messages", "msg_", {"model": "gpt-4o-mini", "messages": ASKED, "max_tokens": 500}
    ),
    "responses": WireCase("/v1/responses", "resp_", {"model": "gpt-4o-mini", "input": "Where?"}),
}


def frames(answer: requests.Response) -> Iterator[str]:
    """Yield one frame after the other, keep-alives left out."""
    answer.encoding = "utf-8"
    lines: list[str] = []
    for line in answer.iter_lines(chunk_size=1, decode_unicode=True):
        if line:
            lines.append(line)
        elif lines:
            frame, lines = "\n".join(lines), []
            if not frame.startswith((":", "event: ping")):
                yield frame


def cursor_in(frame: str) -> int | None:
    """Return the number a client would resume after, None when a frame shows none."""
    data = data_of(frame)
    if "sequence_number" in data:
        return int(data["sequence_number"])
    told = data.get("x_ilm") or data.get("message", {}).get("x_ilm") or {}
    return told.get("seq")


def data_of(frame: str) -> dict[str, Any]:
    """Return what a frame says."""
    text = next(line[6:] for line in frame.splitlines() if line.startswith("data: "))
    found: dict[str, Any] = {} if text == "[DONE]" else json.loads(text)
    return found


def is_error(frame: str) -> bool:
    """Say whether a frame ends its stream with an error."""
    data = data_of(frame)
    return "error" in data or data.get("type") in {"error", "response.failed"}


def is_end(frame: str) -> bool:
    """Say whether a frame says that the answer is whole."""
    ends = {"message_stop", "response.completed"}
    return "[DONE]" in frame or data_of(frame).get("type") in ends


@dataclass(slots=True)
class Reader:
    """A client that is cut off at random, and goes on at any of some web processes."""

    ilm: Gateway
    webs: Sequence[Web]
    wire: WireCase
    dice: Random
    cuts: int = 0

    def read(self, answer: requests.Response) -> list[str]:
        """Return the frames of an answer, cut after about every seventh."""
        name = self.wire.name_of(answer)
        told: list[str] = []
        for _ in range(MOST_CUTS):
            for frame in frames(answer):
                told.append(frame)
                if self.dice.random() < CUT:
                    break
            answer.close()
            if told and (is_end(told[-1]) or is_error(told[-1])):
                return told
            self.cuts += 1
            told, after = kept(told)
            answer = self.wire.resume(self.ilm, self.dice.choice(self.webs), name, after)
        raise AssertionError(f"the stream of {name} leads nowhere after {told[-1:]}")


def kept(told: list[str]) -> tuple[list[str], int | None]:
    """Return what a client keeps when it is cut: all up to the last cursor, and that cursor."""
    for place in range(len(told), 0, -1):
        after = cursor_in(told[place - 1])
        if after is not None:
            return told[:place], after
    return [], None


def text_in(heard: list[str]) -> str:
    """Return the answer's text out of frames of any wire."""
    return "".join(map(_text, map(data_of, heard)))


def _text(data: dict[str, Any]) -> str:
    if data.get("choices"):
        return data["choices"][0]["delta"].get("content") or ""
    if data.get("type") == "content_block_delta":
        return str(data["delta"].get("text", ""))
    return data["delta"] if data.get("type") == "response.output_text.delta" else ""
